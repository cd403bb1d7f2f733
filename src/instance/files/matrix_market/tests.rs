use super::*;

const COORDINATE: &str = "%%MatrixMarket matrix coordinate real general\n% a comment\n\n3 2 3\n1 1 0.5\n3 2 -2e1\n2 1 4\n";
const ARRAY: &str = "%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n4\n5\n0.1\n";

fn parse(text: impl AsRef<[u8]>) -> Result<DesignMatrix, String> {
    parse_matrix(text.as_ref(), Path::new("a.mtx")).map_err(|error| error.to_string())
}

/// The error of the baseline with one piece of text replaced.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(parse(text).is_ok());
    assert!(text.contains(from));
    parse(text.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_coordinate_file_becomes_a_sparse_matrix() {
    let matrix = parse(COORDINATE).unwrap();
    assert!(matches!(matrix, DesignMatrix::Sparse(_)));
    assert_eq!(
        matrix.to_dense(),
        DMatrix::from_row_slice(3, 2, &[0.5, 0.0, 4.0, 0.0, 0.0, -20.0])
    );
}

#[test]
fn an_array_file_is_read_column_after_column() {
    let matrix = parse(ARRAY).unwrap();
    assert!(matches!(matrix, DesignMatrix::Dense(_)));
    assert_eq!(
        matrix.to_dense(),
        DMatrix::from_column_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 0.1])
    );
}

#[test]
fn symmetric_files_give_both_triangles() {
    let expected = DMatrix::from_row_slice(2, 2, &[1.0, 7.0, 7.0, 3.0]);
    let listed = "%%MatrixMarket MATRIX Coordinate Integer Symmetric\n2 2 3\n1 1 1\n2 1 7\n2 2 3\n";
    let all = "%%MatrixMarket matrix array integer symmetric\r\n2 2\r\n1\r\n7\r\n3\r\n";
    assert_eq!(parse(listed).unwrap().to_dense(), expected);
    assert_eq!(parse(all).unwrap().to_dense(), expected);
}

#[test]
fn skew_symmetric_files_give_the_other_triangle_with_the_other_sign() {
    let expected = DMatrix::from_row_slice(3, 3, &[0.0, -2.0, 3.0, 2.0, 0.0, -5.0, -3.0, 5.0, 0.0]);
    let listed =
        "%%MatrixMarket matrix coordinate real skew-symmetric\n3 3 3\n2 1 2\n3 1 -3\n3 2 5\n";
    let all = "%%MatrixMarket matrix array real skew-symmetric\n3 3\n2\n-3\n5\n";
    assert_eq!(parse(listed).unwrap().to_dense(), expected);
    assert_eq!(parse(all).unwrap().to_dense(), expected);
    assert_eq!(
        changed(listed, "3 2 5", "2 2 5"),
        "a.mtx: line 5: entry (2, 2) of a skew-symmetric file is on the diagonal"
    );
}

#[test]
fn the_entries_of_a_pattern_are_one() {
    let listed = "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n2 1\n1 2\n";
    let expected = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0]);
    assert_eq!(parse(listed).unwrap().to_dense(), expected);
    assert_eq!(
        changed(listed, "2 1\n", "2 1 7\n"),
        "a.mtx: line 3: line has 3 words, expected 2: row column"
    );
    let array = parse("%%MatrixMarket matrix array pattern general\n1 1\n1\n").unwrap_err();
    assert_eq!(array, "a.mtx: line 2: an array file cannot be a pattern");
}

#[test]
fn the_order_of_the_entries_does_not_matter() {
    let mut lines: Vec<String> = Vec::new();
    for i in 1..=7usize {
        for j in (1..=5usize).filter(|j| (i * j) % 3 != 0) {
            lines.push(format!("{i} {j} {}", 10 * i + j));
        }
    }
    let file = |lines: &[String]| {
        let head = "%%MatrixMarket matrix coordinate real general\n7 5 ";
        format!("{head}{}\n{}\n", lines.len(), lines.join("\n"))
    };
    let by_rows = parse(file(&lines)).unwrap();
    let DesignMatrix::Sparse(expected) = &by_rows else {
        panic!("not sparse");
    };
    let mut backwards = lines.clone();
    backwards.reverse();
    let mut by_columns = lines.clone();
    by_columns.sort_by_key(|line| line.split(' ').nth(1).map(str::to_owned));
    let mut late = lines.clone();
    late.rotate_left(3);
    for order in [backwards, by_columns, late] {
        let DesignMatrix::Sparse(found) = parse(file(&order)).unwrap() else {
            panic!("not sparse");
        };
        assert_eq!(&found, expected);
    }
}

#[test]
fn entries_that_occur_twice_are_added() {
    let text = COORDINATE.replace("2 1 4", "1 1 4");
    assert_eq!(parse(text).unwrap().to_dense()[(0, 0)], 4.5);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases = [
        (
            "general",
            "hermitian",
            "a.mtx: line 1: symmetry \"hermitian\" is not one of general, symmetric, skew-symmetric",
        ),
        (
            "real",
            "complex",
            "a.mtx: line 1: field \"complex\": expected real numbers: mmwrite(file, A.real) if the imaginary part is 0",
        ),
        (
            "coordinate",
            "list",
            "a.mtx: line 1: layout \"list\" is not one of coordinate, array",
        ),
        (
            "3 2 3",
            "3 2",
            "a.mtx: line 4: line has 2 words, expected 3: rows columns entries",
        ),
        (
            "3 2 3",
            "-3 2 3",
            "a.mtx: line 4: \"-3\" in the size line is not a count",
        ),
        (
            "3 2 3",
            "3 2 4",
            "a.mtx: line 7: truncated: the file ends after 3 of 4 entries",
        ),
        (
            "3 2 3",
            "3 2 2",
            "a.mtx: line 7: more than the announced 2 entries",
        ),
        (
            "3 2 -2e1",
            "4 2 -2e1",
            "a.mtx: line 6: row 4 is not one of 1 to 3",
        ),
        (
            "3 2 -2e1",
            "3 0 -2e1",
            "a.mtx: line 6: column 0 is not one of 1 to 2",
        ),
        (
            "-2e1",
            "1e400",
            "a.mtx: line 6: value 1e400: every entry must be a finite number",
        ),
        (
            "-2e1",
            "nan",
            "a.mtx: line 6: value nan: every entry must be a finite number",
        ),
        ("-2e1", "x", "a.mtx: line 6: \"x\" is not a number"),
        (
            "real",
            "integer",
            "a.mtx: line 5: \"0.5\" is not an integer",
        ),
        (
            "3 2 3",
            "999999999 2 3",
            "a.mtx: line 4: 999999999 x 2 is too large: a side may have 134217728",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(changed(COORDINATE, from, to), expected);
    }
}

#[test]
fn a_symmetric_file_must_be_square_and_keep_to_the_lower_triangle() {
    let text = "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 7\n";
    assert_eq!(
        changed(text, "2 1 7", "1 2 7"),
        "a.mtx: line 3: entry (1, 2) of a symmetric file is above the diagonal"
    );
    assert_eq!(
        changed(text, "2 2 1", "2 3 1"),
        "a.mtx: line 2: a symmetric matrix cannot be 2 x 3"
    );
}

#[test]
fn a_matrix_without_rows_is_refused() {
    let error = parse("%%MatrixMarket matrix array real general\n0 3\n").unwrap_err();
    assert!(error.starts_with("a.mtx: matrix is 0 x 3"), "{error}");
}

#[test]
fn a_file_cut_between_lines_is_refused() {
    for text in [COORDINATE, ARRAY] {
        for (end, _) in text.match_indices('\n').rev().skip(1) {
            assert!(parse(&text[..=end]).is_err(), "{end}");
        }
    }
    assert_eq!(parse("").unwrap_err(), "a.mtx: line 0: the file is empty");
}

#[test]
fn an_announced_size_is_not_believed() {
    let error =
        parse("%%MatrixMarket matrix array real general\n100000000 100000000\n1\n").unwrap_err();
    assert!(
        error.contains("ends after 1 of 10000000000000000"),
        "{error}"
    );
    let tall = "%%MatrixMarket matrix coordinate real general\n134217728 1 2\n1 1 1\n";
    assert!(parse(tall).unwrap_err().contains("ends after 1 of 2"));
    let error = parse("%%MatrixMarket matrix coordinate real general\n9 9 18446744073709551615\n")
        .unwrap_err();
    assert!(error.contains("ends after 0 of"), "{error}");
}

#[test]
fn a_line_without_end_is_refused() {
    let endless = std::io::Read::take(std::io::repeat(b'1'), 1 << 30);
    let error = parse_matrix(endless, Path::new("a.mtx"))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "a.mtx: line 1: line is longer than 65536 bytes");
}

quickcheck::quickcheck! {
    fn any_bytes_give_a_matrix_or_an_error(bytes: Vec<u8>) -> bool {
        let body = |head: &str| [head.as_bytes(), &bytes].concat();
        let _ = parse(body("%%MatrixMarket matrix array real general\n"));
        let _ = parse(body("%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n"));
        parse(&bytes).is_err()
    }

    fn a_valid_file_with_any_bytes_changed_gives_a_matrix_or_an_error(edits: Vec<(usize, u8)>) -> bool {
        for text in [COORDINATE, ARRAY] {
            let mut bytes = text.as_bytes().to_vec();
            for (place, byte) in &edits {
                let place = place % bytes.len();
                bytes[place] = *byte;
            }
            let _ = parse(&bytes);
        }
        true
    }
}

/// A line of exactly the longest length is read; what counts is where the next line begins.
#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    let with = |length: usize| {
        let comment = format!("%{}\n", "x".repeat(length - 2));
        assert_eq!(comment.len(), length);
        parse(ARRAY.replacen('\n', &format!("\n{comment}"), 1))
    };
    assert!(with(65_535).is_ok());
    assert!(with(65_536).is_ok());
    assert_eq!(
        with(65_537).unwrap_err(),
        "a.mtx: line 2: line is longer than 65536 bytes"
    );
    // The last line may do without an end, and one that is no text is named.
    assert!(parse(ARRAY.trim_end()).is_ok());
    let latin = [&ARRAY.as_bytes()[..ARRAY.len() - 4], b"\xe4\n"].concat();
    assert_eq!(parse(latin).unwrap_err(), "a.mtx: line 8: line is not text");
}

/// Sides up to 2^27; a file of one entry of such a matrix costs what its rows cost and nothing for its columns.
#[test]
fn the_longest_side_is_read_and_one_more_is_refused() {
    let with = |columns: usize| {
        parse(format!(
            "%%MatrixMarket matrix coordinate real general\n1 {columns} 1\n1 {columns} 2.5\n"
        ))
    };
    let last = (1 << 27) - 1;
    assert_eq!(with(1 << 27).unwrap().row_entries(0), [(last, 2.5)]);
    assert_eq!(
        with((1 << 27) + 1).unwrap_err(),
        "a.mtx: line 2: 1 x 134217729 is too large: a side may have 134217728"
    );
}

#[test]
fn what_is_no_banner_or_ends_before_its_sizes_is_named() {
    for (text, expected) in [
        (
            "%%MatrixMarket vector array real general\n",
            "a.mtx: line 1: object \"vector\" is not one of matrix",
        ),
        (
            "%%MatrixMarket matrix array real general\n% nothing else\n",
            "a.mtx: line 2: file ends before the size line (rows columns)",
        ),
        (
            "%%MatrixMarket matrix array real skew-symmetric\n0 0\n",
            "a.mtx: matrix is 0 x 0: at least one row and one column are needed",
        ),
        (
            "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n4\n",
            "a.mtx: line 6: more than the announced 3 entries",
        ),
        (
            "%%MatrixMarket matrix array real skew-symmetric\n3 3\n1\n2\n",
            "a.mtx: line 4: truncated: the file ends after 2 of 3 entries",
        ),
        (
            "%%MatrixMarket matrix coordinate real skew-symmetric\n3 3 1\n1 2 5\n",
            "a.mtx: line 3: entry (1, 2) of a skew-symmetric file is above the diagonal",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected);
    }
    let error = parse("%MatrixMarket matrix array real general\n1 1\n1\n").unwrap_err();
    assert!(
        error.starts_with("a.mtx: line 1: not a Matrix Market file"),
        "{error}"
    );
}

#[test]
fn a_symmetric_array_lists_the_lower_triangle_column_after_column() {
    let text = "%%MatrixMarket matrix array real symmetric\n3 3\n1\n2\n3\n4\n5\n6\n";
    let expected = DMatrix::from_row_slice(3, 3, &[1.0, 2.0, 3.0, 2.0, 4.0, 5.0, 3.0, 5.0, 6.0]);
    assert_eq!(parse(text).unwrap().to_dense(), expected);
}

/// By hand: the matrix of the baseline with every line end and a byte order mark; a CR before the end of the file alone
/// does not make CR the line end.
#[test]
fn lines_may_end_in_any_way_and_a_byte_order_mark_is_skipped() {
    let expected = parse(COORDINATE).unwrap().to_dense();
    for end in ["\n", "\r\n", "\r"] {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{}", COORDINATE.replace('\n', end));
            assert_eq!(parse(&text).unwrap().to_dense(), expected, "{end:?}");
            let short = format!("{mark}%%MatrixMarket matrix array real general{end}");
            let error = parse(short).unwrap_err();
            assert!(
                error.contains("line 1: file ends before the size line"),
                "{error}"
            );
        }
    }
    let wrong = COORDINATE.replace('\n', "\r").replace("-2e1", "x");
    assert_eq!(
        parse(wrong).unwrap_err(),
        "a.mtx: line 6: \"x\" is not a number"
    );
    // The first line end holds for the whole file.
    let mixed = COORDINATE.replacen("1 1 0.5\n", "1 1 0.5\r", 1);
    assert_eq!(
        parse(mixed).unwrap_err(),
        "a.mtx: line 5: line has 6 words, expected 3: row column value"
    );
}

#[test]
fn unsigned_integers_are_read_and_must_be_unsigned() {
    let text = "%%MatrixMarket matrix coordinate unsigned-integer general\n2 2 2\n1 1 3\n2 1 18446744073709549568\n";
    let found = parse(text).unwrap().to_dense();
    assert_eq!(
        found,
        DMatrix::from_row_slice(2, 2, &[3.0, 0.0, 2f64.powi(64) - 2048.0, 0.0])
    );
    for word in ["-3", "3.0", "-"] {
        assert_eq!(
            changed(text, "1 1 3", &format!("1 1 {word}")),
            format!("a.mtx: line 3: \"{word}\" is not an integer that is not negative")
        );
    }
}

/// 2^60 and 2^70 are float64s, 2^53 + 1 and 2^64 - 1 are not; a real number is rounded as everybody expects.
#[test]
fn an_integer_that_f64_has_not_is_refused_with_the_cure() {
    let with = |field: &str, word: &str| {
        parse(format!(
            "%%MatrixMarket matrix array {field} general\n1 1\n{word}\n"
        ))
        .map(|matrix| matrix.to_dense()[(0, 0)])
    };
    for (word, value) in [
        ("1152921504606846976", 2f64.powi(60)),
        ("-1180591620717411303424", -(2f64.powi(70))),
        ("+9007199254740994", 9007199254740994.0),
    ] {
        assert_eq!(with("integer", word), Ok(value));
    }
    for (field, word) in [
        ("integer", "9007199254740993"),
        ("integer", "-9007199254740993"),
        ("unsigned-integer", "18446744073709551615"),
    ] {
        let expected = format!(
            "a.mtx: line 3: value {word}, which no f64 is: call the field real in line 1 if the nearest is meant"
        );
        assert_eq!(with(field, word), Err(expected));
        let nearest: f64 = word.parse().unwrap();
        assert_eq!(with("real", word), Ok(nearest));
    }
}

#[test]
fn an_index_that_is_no_integer_is_named_as_that() {
    for (index, expected) in [
        ("1.0", "row 1.0 is not an integer"),
        ("1e0", "row 1e0 is not an integer"),
        ("one", "row one is not an integer"),
        ("-1", "row -1 is not one of 1 to 3"),
        (
            "99999999999999999999999",
            "row 99999999999999999999999 is not one of 1 to 3",
        ),
    ] {
        let found = changed(COORDINATE, "1 1 0.5", &format!("{index} 1 0.5"));
        assert_eq!(found, format!("a.mtx: line 5: {expected}"));
    }
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/arrays")
        .join(name)
}

/// What SciPy wrote (`fixtures/arrays/make.py`): packed, unsigned, and vectors.
#[test]
fn what_scipy_writes_is_read() {
    let real = [1.5, -0.25, 0.5, 2.0, -1.0, 0.75, 0.0, -1.0];
    let packed = read_matrix(&fixture("A.mtx.gz")).unwrap();
    assert_eq!(packed.to_dense(), DMatrix::from_row_slice(4, 2, &real));
    let unsigned = [6.0, 1.0, 2.0, 0.0, 4.0, 3.0, 0.0, 127.0];
    let found = read_matrix(&fixture("u.mtx")).unwrap();
    assert_eq!(found.to_dense(), DMatrix::from_row_slice(4, 2, &unsigned));
    for (name, expected) in [
        ("b.mtx", [0.4, 0.3, 0.2, 0.1]),
        ("b-row.mtx", [0.4, 0.3, 0.2, 0.1]),
        ("b-listed.mtx", [0.0, 0.75, 0.0, 0.25]),
    ] {
        assert_eq!(read_vector(&fixture(name)).unwrap().as_slice(), expected);
    }
    let error = read_vector(&fixture("u.mtx")).unwrap_err().to_string();
    assert!(
        error.ends_with("u.mtx: a 4 x 2 matrix, expected a vector: one column or one row"),
        "{error}"
    );
}

/// Every truncation and a changed byte of a packed file is an error that names it.
#[test]
fn a_damaged_packed_file_is_refused() {
    let whole = std::fs::read(fixture("A.mtx.gz")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("A.mtx.gz");
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = read_matrix(&path).unwrap_err().to_string();
        assert!(error.contains("A.mtx.gz: "), "{error}");
    };
    for length in 0..whole.len() {
        refused(&whole[..length]);
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0x10;
    refused(&changed);
    refused(COORDINATE.as_bytes());
}
