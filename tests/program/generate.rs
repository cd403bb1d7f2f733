//! `attreg generate`: reproducible instances that the other commands take.

use crate::common::{Scratch, attreg};

const KINDS: [&str; 5] = ["theory", "practice", "weak", "edge", "ill-conditioned"];

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for kind in KINDS {
        let scratch = Scratch::new();
        let made = |seed: &str, name: &str| {
            let out = scratch.path(name);
            let run = attreg([
                "generate", kind, "--seed", seed, "--count", "2", "--out", &out,
            ]);
            assert_eq!(run.status, 0, "{}", run.err);
            assert!(run.out.contains(&format!("seed {seed}")));
            let text = |index: u32| {
                let path = format!("{out}/{kind}-{index}.json");
                assert!(run.out.contains(&path));
                std::fs::read_to_string(path).unwrap()
            };
            (text(0), text(1))
        };
        let (first, second) = made("7", "one");
        assert_eq!(made("7", "two"), (first.clone(), second.clone()));
        assert_ne!(first, second);
        assert_ne!(made("8", "three").0, first);
    }
}

#[test]
fn every_kind_can_be_solved_and_referenced() {
    let scratch = Scratch::new();
    let out = scratch.path("made");
    for kind in KINDS {
        let run = attreg(["generate", kind, "--n", "6", "--d", "2", "--out", &out]);
        assert_eq!(run.status, 0, "{}", run.err);
    }
    let names: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(names.len(), 9);
    for path in names {
        let path = path.to_str().unwrap();
        let solved = attreg(["solve", path, "--json"]);
        assert!(solved.status < 2, "{path}: {}", solved.err);
        let reference = attreg(["reference", path, "--json"]);
        assert_eq!(reference.status, 0, "{path}: {}", reference.err);
    }
}

/// Pinned: a change of any generator shows here. The bytes are made by integer arithmetic, multiplication, division and
/// square roots only, so they are the same on every machine.
#[test]
fn generated_bytes_never_change() {
    let scratch = Scratch::new();
    let out = scratch.path("made");
    let run = attreg([
        "generate", "theory", "--seed", "7", "--n", "2", "--d", "1", "--out", &out,
    ]);
    assert_eq!(run.status, 0);
    insta::assert_snapshot!(std::fs::read_to_string(format!("{out}/theory-0.json")).unwrap());
}
