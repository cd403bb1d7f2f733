use super::super::npz::archive::Archive;
use super::*;

fn name() -> &'static Path {
    Path::new("a.npy")
}

/// An npy file of the given version from its header dictionary and data bytes.
fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let mut header = header.to_owned();
    header.push('\n');
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn header(descr: &str, fortran: bool, shape: &str) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

fn floats(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn matrix(bytes: &[u8]) -> Result<DMatrix<f64>, String> {
    parse_matrix(bytes, bytes.len() as u64, name())
        .map(|matrix| matrix.to_matrix())
        .map_err(|error| error.to_string())
}

fn vector(bytes: &[u8]) -> Result<DVector<f64>, String> {
    parse_vector(bytes, bytes.len() as u64, name()).map_err(|error| error.to_string())
}

fn indices(bytes: &[u8]) -> Result<Vec<usize>, String> {
    parse_indices(bytes, bytes.len() as u64, name()).map_err(|error| error.to_string())
}

#[test]
fn what_is_wrong_with_a_header_is_named_on_one_line() {
    let good = header("<f8", false, "(2,)");
    for (from, to, expected) in [
        ("'descr'", "'de1'", "has the unknown key 'de1'"),
        (
            "'descr'",
            "'shape': (3,), 'descr'",
            "has the key 'shape' twice",
        ),
        ("'descr': '<f8', ", "", "has no key 'descr'"),
        (
            "False",
            "0",
            "has a 'fortran_order' that is neither True nor False",
        ),
        ("'<f8'", "3", "has a 'descr' that is no type"),
        ("(2,)", "2", "has a 'shape' that is no tuple"),
        (
            "(2,)",
            "('2',)",
            "has a 'shape' that is no tuple of integers",
        ),
        ("}", "} {", "contains '{' where the end is expected"),
        ("{", "[{", "ends where ',' or a closing bracket is expected"),
        (
            "'descr'",
            "'descr\n\x1b'",
            "has the unknown key 'descr\\n\\u{1b}'",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        let found = vector(&file(1, &text, &floats(&SIX[..2]))).unwrap_err();
        assert_eq!(found, format!("a.npy: npy header {expected}"));
    }
    let found = vector(&file(1, "[1]", &[])).unwrap_err();
    assert_eq!(found, "a.npy: npy header is not a dictionary");
}

const SIX: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 0.1];

/// The working baseline that every wrong-input test changes in one place.
fn baseline() -> Vec<u8> {
    file(1, &header("<f8", false, "(2, 3)"), &floats(&SIX))
}

#[test]
fn both_orders_all_versions_and_both_byte_orders_give_the_same_matrix() {
    let expected = DMatrix::from_row_slice(2, 3, &SIX);
    let by_columns = [1.0, 4.0, 2.0, 5.0, 3.0, 0.1];
    let big: Vec<u8> = SIX.iter().flat_map(|value| value.to_be_bytes()).collect();
    for version in [1, 2, 3] {
        let c = file(version, &header("<f8", false, "(2, 3)"), &floats(&SIX));
        let fortran = file(
            version,
            &header("<f8", true, "(2, 3)"),
            &floats(&by_columns),
        );
        let big_endian = file(version, &header(">f8", false, "(2, 3)"), &big);
        for bytes in [c, fortran, big_endian] {
            assert_eq!(matrix(&bytes).unwrap(), expected);
        }
    }
}

/// Blocks are up to 64 rows and up to 2^15 entries: shapes below, at and above both, and an odd number of rows left.
#[test]
fn a_matrix_larger_than_a_block_keeps_every_entry_in_its_place() {
    for (rows, columns) in [
        (1, 1),
        (64, 3),
        (200, 5),
        (65, 600),
        (5, 70_000),
        (70_000, 1),
    ] {
        let value = |i: usize, j: usize| (i * columns + j) as f64;
        let expected = DMatrix::from_fn(rows, columns, value);
        let stored: Vec<f64> = (0..rows * columns).map(|k| k as f64).collect();
        let shape = format!("({rows}, {columns})");
        let c = file(1, &header("<f8", false, &shape), &floats(&stored));
        assert_eq!(matrix(&c).unwrap(), expected);
        let by_columns = floats(expected.as_slice());
        let fortran = file(1, &header("<f8", true, &shape), &by_columns);
        assert_eq!(matrix(&fortran).unwrap(), expected);
        let mut broken = stored;
        broken[rows * columns - 1] = f64::INFINITY;
        let error = matrix(&file(1, &header("<f8", false, &shape), &floats(&broken))).unwrap_err();
        let place = format!("array[{}, {}] is inf", rows - 1, columns - 1);
        assert!(error.contains(&place), "{error}");
    }
}

#[test]
fn index_arrays_may_be_integers_of_any_width() {
    let narrow: Vec<u8> = [0i32, 7]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let wide: Vec<u8> = [0i64, 7]
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect();
    assert_eq!(
        indices(&file(1, &header("<i4", false, "(2,)"), &narrow)).unwrap(),
        [0, 7]
    );
    assert_eq!(
        indices(&file(1, &header(">i8", false, "(2,)"), &wide)).unwrap(),
        [0, 7]
    );
    assert_eq!(
        indices(&file(1, &header("<u4", false, "(2,)"), &narrow)).unwrap(),
        [0, 7]
    );
    assert_eq!(
        indices(&file(1, &header(">u8", false, "(2,)"), &wide)).unwrap(),
        [0, 7]
    );
    let negative = (-3i64).to_le_bytes();
    let error = indices(&file(1, &header("<i8", false, "(1,)"), &negative)).unwrap_err();
    assert_eq!(
        error,
        "a.npy: [0] is -3: not an index: negative or too large"
    );
    let error = indices(&file(1, &header("<f8", false, "(1,)"), &floats(&[1.0]))).unwrap_err();
    assert_eq!(
        error,
        "a.npy: elements are '<f8', expected integers: save a.astype(int)"
    );
    // 2 + 256, and as bytes 2 and 1; big endian in the last.
    for (descr, shape, expected) in [
        ("<i2", "(1,)", &[258][..]),
        ("<u2", "(1, 1)", &[258]),
        ("|i1", "(2,)", &[2, 1]),
        ("|u1", "(2, 1)", &[2, 1]),
        (">u2", "(1,)", &[513]),
    ] {
        let stored = file(1, &header(descr, false, shape), &[2, 1]);
        assert_eq!(indices(&stored).unwrap(), expected, "{descr}");
    }
}

#[test]
fn a_written_vector_reads_back_with_the_same_bits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let vector = DVector::from_vec(vec![0.1, -0.0, 5e-324, f64::MAX]);
    write_vector(&path, &vector).unwrap();
    let back = read_vector(&path).unwrap();
    let bits = |vector: &DVector<f64>| {
        vector
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&back), bits(&vector));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = baseline();
    assert!(matrix(&bytes).is_ok());
    for length in 0..bytes.len() {
        let error = matrix(&bytes[..length]).unwrap_err();
        assert!(
            error.starts_with("a.npy: truncated") || error == "a.npy: not an npy file",
            "{length}: {error}"
        );
    }
}

#[test]
fn bytes_behind_the_array_are_an_error() {
    let mut bytes = baseline();
    bytes.push(0);
    assert_eq!(
        matrix(&bytes).unwrap_err(),
        "a.npy: too long: shape [2, 3] needs 48 bytes of data, the file has 49"
    );
}

#[test]
fn a_wrong_type_or_shape_is_named() {
    let with = |descr: &str, shape: &str| {
        matrix(&file(1, &header(descr, false, shape), &floats(&SIX))).unwrap_err()
    };
    assert_eq!(
        with("<c8", "(2, 3)"),
        "a.npy: elements are '<c8', expected real numbers: save the real part (a.real.astype(float)) if the imaginary part is 0"
    );
    assert_eq!(
        with("<f8", "(6,)"),
        "a.npy: shape [6] has 1 dimensions, expected 2: one column is a.reshape(-1, 1), one row a.reshape(1, -1)"
    );
    assert_eq!(
        with("<f8", "(2, 4)"),
        "a.npy: truncated: shape [2, 4] needs 64 bytes of data, the file has 48"
    );
    assert_eq!(
        vector(&baseline()).unwrap_err(),
        "a.npy: shape [2, 3] has 2 dimensions, expected 1: save a.ravel()"
    );
}

#[test]
fn an_entry_that_is_not_finite_is_named_by_row_and_column() {
    for (order, place) in [(false, "1, 1"), (true, "0, 2")] {
        let mut values = SIX;
        values[4] = f64::NAN;
        let error =
            matrix(&file(1, &header("<f8", order, "(2, 3)"), &floats(&values))).unwrap_err();
        assert_eq!(
            error,
            format!("a.npy: array[{place}] is NaN: every entry must be finite")
        );
    }
}

#[test]
fn hostile_headers_are_refused_without_harm() {
    let refuse =
        |shape: &str| matrix(&file(2, &header("<f8", false, shape), &floats(&SIX))).unwrap_err();
    assert!(refuse("(4294967296, 4294967296)").contains("impossible shape"));
    assert!(refuse("(99999999999999999999999, 1)").contains("impossible shape"));
    assert!(refuse("(1000000000000, 1000)").contains("truncated"));
    assert!(
        refuse("(0xFFFFFFFFFF, 0xFFFFFFFFFF)")
            .contains("contains 'x' where ',' or a closing bracket")
    );
    assert!(refuse("(-1, -6)").contains("contains '-'"));
    assert!(refuse(&"(".repeat(3000)).contains("nests too deeply"));
    let mut long = baseline();
    long.splice(6..10, [2, 0, 0xff, 0xff, 0xff, 0xff]);
    assert!(matrix(&long).unwrap_err().contains("too long"));
    let mut future = baseline();
    future[6] = 9;
    assert!(matrix(&future).unwrap_err().contains("version 9.0"));
}

quickcheck::quickcheck! {
    fn any_bytes_give_an_array_or_an_error(bytes: Vec<u8>) -> bool {
        matrix(&bytes).is_err() & vector(&bytes).is_err() & indices(&bytes).is_err()
    }

    fn a_valid_file_with_any_bytes_changed_gives_an_array_or_an_error(edits: Vec<(usize, u8)>, cut: usize) -> bool {
        let mut bytes = baseline();
        let length = bytes.len();
        for (place, byte) in edits {
            bytes[place % length] = byte;
        }
        bytes.truncate(length - cut % (length / 4));
        let _ = (matrix(&bytes), vector(&bytes), indices(&bytes));
        true
    }

    fn any_header_text_gives_an_array_or_an_error(text: String, shape: Vec<u64>) -> bool {
        let shape = format!("{shape:?}");
        let _ = matrix(&file(1, &text, &[]));
        let _ = matrix(&file(3, &header(&text, false, "(2, 3)"), &floats(&SIX)));
        let _ = matrix(&file(3, &header("<f8", true, &shape), &floats(&SIX)));
        true
    }
}

/// A header may be padded: its length is read from all of its bytes, the low one first, and kept to 10,000.
#[test]
fn the_length_of_a_header_is_read_in_full_up_to_its_limit() {
    for version in [1, 2, 3] {
        for (length, fits) in [(300, true), (10_000, true), (10_001, false)] {
            let mut text = header("<f8", false, "(2, 3)");
            let padding = length - 1 - text.len();
            text.push_str(&" ".repeat(padding));
            let found = matrix(&file(version, &text, &floats(&SIX)));
            if fits {
                assert_eq!(found.unwrap(), DMatrix::from_row_slice(2, 3, &SIX));
            } else {
                assert_eq!(
                    found.unwrap_err(),
                    "a.npy: npy header of 10001 bytes is too long for a plain array"
                );
            }
        }
    }
    // Bytes 8 to 11 are the length: with 1 in the third or fourth it is more than 65,536.
    for place in [10, 11] {
        let mut far = file(2, &header("<f8", false, "(2, 3)"), &floats(&SIX));
        far[place] = 1;
        assert!(matrix(&far).unwrap_err().contains("is too long"));
    }
}

/// The bytes of an array are counted in i64 by everybody else: 2^60 - 1 elements of 8 bytes are the most.
#[test]
fn shapes_are_impossible_from_the_first_that_i64_cannot_count() {
    let refuse =
        |shape: &str| matrix(&file(1, &header("<f8", false, shape), &floats(&SIX))).unwrap_err();
    assert!(refuse("(1152921504606846975, 1)").contains("truncated: shape"));
    assert!(refuse("(1, 1152921504606846975)").contains("truncated: shape"));
    assert!(refuse("(1152921504606846976, 1)").contains("impossible shape"));
    assert!(refuse("(1073741824, 1073741823)").contains("truncated: shape"));
    assert!(refuse("(1073741824, 1073741824)").contains("impossible shape"));
}

/// The header alone is a whole file if the array has no elements.
#[test]
fn an_array_without_elements_is_read() {
    let empty = file(1, &header("<f8", false, "(0,)"), &[]);
    assert_eq!(vector(&empty).unwrap().len(), 0);
    let empty = file(1, &header("<i8", false, "(0,)"), &[]);
    assert!(indices(&empty).unwrap().is_empty());
    let mut cut = file(1, &header("<f8", false, "(0,)"), &[]);
    cut.pop();
    let size = cut.len() - 10 + 1;
    assert_eq!(
        vector(&cut).unwrap_err(),
        format!("a.npy: truncated: npy header needs {size} bytes")
    );
}

/// Blocks of 64 rows, of fewer where 64 rows have more than 2^15 entries, and of one where one row has.
#[test]
fn rows_are_transposed_in_blocks_that_fit_the_cache() {
    for (columns, rows) in [
        (0, 64),
        (1, 64),
        (512, 64),
        (513, 63),
        (600, 54),
        (32_768, 1),
        (70_000, 1),
    ] {
        assert_eq!(rows_at_a_time(columns), rows, "{columns}");
    }
}

/// The source may end before, or go on behind, what was said about its length; and it may fail.
#[test]
fn a_source_that_is_not_as_long_as_was_said_is_an_error() {
    let whole = file(1, &header("<f8", false, "(6,)"), &floats(&SIX));
    let length = whole.len() as u64;
    let read = |mut bytes: &[u8]| {
        parse_vector(&mut bytes, length, name())
            .map(|vector| vector.len())
            .map_err(|error| error.to_string())
    };
    assert_eq!(read(&whole), Ok(6));
    assert_eq!(
        read(&whole[..whole.len() - 3]),
        Err("a.npy: truncated".to_owned())
    );
    let mut long = whole.clone();
    long.push(0);
    assert_eq!(read(&long), Err("a.npy: too long".to_owned()));

    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is on fire"))
        }
    }
    let failing = |kept: usize| {
        let source = (&whole[..kept]).chain(Failing);
        parse_vector(source, length, name()).unwrap_err()
    };
    for kept in [whole.len() - 8, whole.len()] {
        let error = failing(kept).to_string();
        assert_eq!(error, "a.npy: the disk is on fire");
    }
    assert_eq!(failing(3).to_string(), "a.npy: the disk is on fire");
}

/// One short text, however wide its letters are; not two, not a number, and no more than 1024 bytes of file.
#[test]
fn a_text_is_one_and_short() {
    let text = |bytes: &[u8]| {
        parse_text(bytes, bytes.len() as u64, name()).map_err(|error| error.to_string())
    };
    let wide: Vec<u8> = b"csr\0".iter().flat_map(|byte| [*byte, 0, 0, 0]).collect();
    let csr = Ok("csr".to_owned());
    assert_eq!(text(&file(1, &header("|S3", false, "()"), b"csr")), csr);
    assert_eq!(text(&file(1, &header("<U4", false, "()"), &wide)), csr);
    assert_eq!(text(&file(1, &header("|S3", false, "(1,)"), b"csr")), csr);
    let refused = |found: &str| {
        Err(format!(
            "a.npy: elements are '{found}', expected one short text"
        ))
    };
    let record = header("", false, "()").replace("''", "[('a', '<f8')]");
    assert_eq!(
        text(&file(1, &record, &[0; 8])),
        Err("a.npy: elements are records, expected one short text".to_owned())
    );
    assert_eq!(
        text(&file(1, &header("|S3", false, "(2,)"), b"csrcsr")),
        refused("|S3")
    );
    assert_eq!(
        text(&file(1, &header("<f8", false, "()"), &floats(&[1.0]))),
        refused("<f8")
    );
    // The header of a text of three-digit size is as long for each such size.
    let head = file(1, &header("|S900", false, "()"), &[]).len();
    for (size, fits) in [(1024 - head, true), (1025 - head, false)] {
        let mut letters = b"csr".to_vec();
        letters.resize(size, 0);
        let descr = format!("|S{size}");
        let found = text(&file(1, &header(&descr, false, "()"), &letters));
        assert_eq!(found, if fits { csr.clone() } else { refused(&descr) });
    }
}

#[test]
fn arrays_are_read_from_their_files_and_a_missing_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npy");
    let stored: Vec<u8> = [5u32, 0, 900]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    std::fs::write(&path, file(1, &header("<u4", false, "(3,)"), &stored)).unwrap();
    assert_eq!(read_indices(&path).unwrap(), [5, 0, 900]);
    std::fs::write(&path, baseline()).unwrap();
    let expected = DMatrix::from_row_slice(2, 3, &SIX);
    assert_eq!(read_matrix(&path).unwrap().to_matrix(), expected);
    let missing = directory.path().join("b.npy");
    for error in [
        read_indices(&missing).unwrap_err(),
        read_matrix(&missing).unwrap_err(),
        read_numbers(&missing).unwrap_err(),
    ] {
        assert!(error.to_string().contains("b.npy: "), "{error}");
    }
}

/// numpy wrote these (`fixtures/arrays/make.py` says what): one matrix of each kind in every type, byte order and layout.
#[test]
fn every_type_that_float64_holds_is_read_exactly() {
    let halves = [6.5, -1.0, 2.25, 0.0, -4.0, 3.0, 0.125, -60000.0];
    let signed = [6.0, -1.0, 2.0, 0.0, -4.0, 3.0, 0.0, -128.0];
    let unsigned = [6.0, 1.0, 2.0, 0.0, 4.0, 3.0, 0.0, 127.0];
    // 60000 is a float16: 29 * 2^11 + 19 * 2^5.
    let truth = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0];
    let mut archive = archive(include_bytes!("../../../../fixtures/arrays/dtypes.npz"));
    let names = archive.names().unwrap();
    assert_eq!(names.len(), 4 * (3 + 4 + 4 + 1));
    for name in names {
        let expected = match name.as_bytes()[0] {
            b'f' => halves,
            b'i' => signed,
            b'u' => unsigned,
            _ => truth,
        };
        let found = archive
            .read(&name, |bytes, length, place| {
                parse_matrix(bytes, length, place)
            })
            .unwrap();
        let expected = DMatrix::from_row_slice(4, 2, &expected);
        assert_eq!(found.to_matrix(), expected, "{name}");
    }
}

/// Columns, rows and single values, as numpy wrote them.
#[test]
fn vectors_may_be_columns_rows_or_one_value() {
    let mut archive = archive(include_bytes!("../../../../fixtures/arrays/vectors.npz"));
    for (name, expected) in [
        ("flat", &[0.5, -2.0, 3.0][..]),
        ("column", &[0.5, -2.0, 3.0]),
        ("column_f", &[0.5, -2.0, 3.0]),
        ("row", &[0.5, -2.0, 3.0]),
        ("one_hot", &[0.0, 1.0, 0.0]),
        ("truth", &[1.0, 0.0, 1.0]),
        ("scalar", &[10.0]),
        ("integer", &[-3.0]),
        ("one", &[7.0]),
        ("one_by_one", &[7.0]),
    ] {
        let (mut found, mut is_one) = (Vec::new(), false);
        archive
            .read(name, |bytes, length, place| {
                match parse_values(bytes, length, place)? {
                    Values::One(value) => (found, is_one) = (vec![value], true),
                    Values::Many(vector) => found = vector.as_slice().to_vec(),
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(found, expected, "{name}");
        assert_eq!(is_one, ["scalar", "integer"].contains(&name), "{name}");
    }
}

/// What numpy wrote and is not read, with index, value and cure.
#[test]
fn what_is_refused_names_the_cure() {
    let mut archive = archive(include_bytes!("../../../../fixtures/arrays/refused.npz"));
    let real = "expected real numbers: ";
    let rounds = "which no float64 is: save a.astype(float) if the nearest is meant";
    for (name, expected) in [
        (
            "complex",
            format!(
                "elements are '<c16', {real}save the real part (a.real.astype(float)) if the imaginary part is 0"
            ),
        ),
        (
            "object",
            format!(
                "elements are '|O', {real}these are Python objects: save a.astype(float), or a.toarray() of a sparse matrix"
            ),
        ),
        (
            "sparse",
            format!(
                "elements are '|O', {real}these are Python objects: save a.astype(float), or a.toarray() of a sparse matrix"
            ),
        ),
        (
            "record",
            "elements are records, expected real numbers: save one field (a[\"weight\"])"
                .to_owned(),
        ),
        (
            "text",
            format!("elements are '<U3', {real}save a.astype(float)"),
        ),
        (
            "raw",
            format!("elements are '|S3', {real}save a.astype(float)"),
        ),
        (
            "time",
            format!("elements are '<M8[D]', {real}save a.astype(float)"),
        ),
        (
            "span",
            format!("elements are '<m8[s]', {real}save a.astype(float)"),
        ),
        (
            "longdouble",
            format!("elements are '<f16', {real}save a.astype(float)"),
        ),
        ("below", format!("[1] is -9007199254740993, {rounds}")),
        (
            "matrix",
            "shape [4, 2] has 2 dimensions, expected 1: save a.ravel()".to_owned(),
        ),
        (
            "cube",
            "shape [2, 2, 2] has 3 dimensions, expected 1: save a.ravel()".to_owned(),
        ),
        (
            "half",
            "array[1] is inf: every entry must be finite".to_owned(),
        ),
    ] {
        let error = archive
            .read(name, |bytes, length, place| {
                parse_vector(bytes, length, place)
            })
            .unwrap_err();
        assert_eq!(error.to_string(), format!("a.npz/{name}.npy: {expected}"));
    }
    for (name, expected) in [
        ("beyond", format!("[1, 0] is 9007199254740993, {rounds}")),
        ("beyond_f", format!("[0, 1] is 9007199254740993, {rounds}")),
        (
            "cube",
            "shape [2, 2, 2] has 3 dimensions, expected 2: save a.reshape(rows, columns)"
                .to_owned(),
        ),
    ] {
        let error = archive
            .read(name, |bytes, length, place| {
                parse_matrix(bytes, length, place)
            })
            .unwrap_err();
        assert_eq!(error.to_string(), format!("a.npz/{name}.npy: {expected}"));
    }
    let edge = archive
        .read("edge", |bytes, length, place| {
            parse_vector(bytes, length, place)
        })
        .unwrap();
    assert_eq!(edge.as_slice(), [9007199254740992.0, -9007199254740992.0]);
    let unsigned = archive
        .read("unsigned", |bytes, length, place| {
            parse_vector(bytes, length, place)
        })
        .unwrap();
    assert_eq!(unsigned.as_slice(), [2f64.powi(53), 2f64.powi(63)]);
}

/// Beyond 2^53 by hand: 2^60 and 2^63 are float64s, their neighbours are not.
#[test]
fn integers_are_read_where_they_are_float64s() {
    let one = |descr: &str, bytes: [u8; 8]| vector(&file(1, &header(descr, false, "(1,)"), &bytes));
    let signed = |value: i64| one("<i8", value.to_le_bytes());
    let unsigned = |value: u64| one(">u8", value.to_be_bytes());
    assert_eq!(signed(1 << 60).unwrap()[0], 2f64.powi(60));
    assert_eq!(signed(i64::MIN).unwrap()[0], -(2f64.powi(63)));
    assert_eq!(unsigned(1 << 63).unwrap()[0], 2f64.powi(63));
    for (found, value) in [
        (signed(i64::MAX), i64::MAX.to_string()),
        (signed((1 << 60) + 1), "1152921504606846977".to_owned()),
        (unsigned(u64::MAX), u64::MAX.to_string()),
    ] {
        let expected = format!(
            "a.npy: [0] is {value}, which no float64 is: save a.astype(float) if the nearest is meant"
        );
        assert_eq!(found.unwrap_err(), expected);
    }
}

/// An archive that numpy wrote.
fn archive(bytes: &'static [u8]) -> Archive<'static, std::io::Cursor<&'static [u8]>> {
    let length = bytes.len() as u64;
    Archive::open(std::io::Cursor::new(bytes), length, Path::new("a.npz")).unwrap()
}

/// What is written is, byte for byte, a header of numpy's format with its elements on a multiple of 64.
#[test]
fn a_written_vector_is_aligned_as_everybody_aligns_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    for length in [0usize, 1, 1000, 100_000] {
        write_vector(&path, &DVector::from_element(length, 0.1)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let begin = bytes.len() - 8 * length;
        assert_eq!(begin % 64, 0);
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({length}, ), }}");
        assert!(bytes.starts_with(b"\x93NUMPY\x01\0"));
        assert!(bytes[10..begin].starts_with(text.as_bytes()));
        assert_eq!(bytes[begin - 1], b'\n');
        assert_eq!(read_vector(&path).unwrap().len(), length);
    }
}
