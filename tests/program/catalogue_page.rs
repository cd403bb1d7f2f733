//! The page of the claims without a run.

use crate::common::{Scratch, attreg};

#[test]
fn the_page_of_chosen_claims_goes_to_a_file_or_is_printed() {
    let scratch = Scratch::new();
    let file = scratch.path("claims.html");
    let names = ["sampling", "federated-softmax/limit-is-the-minimiser"];
    let run = attreg(["claims", names[0], names[1], "--html", file.as_str()]);
    assert_eq!((run.status, run.out.as_str()), (0, ""), "{}", run.err);
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("No run: the verdicts of these") && page.ends_with("</html>"));
    let printed = attreg(["claims", names[0], names[1], "--html"]);
    assert_eq!(printed.status, 0, "{}", printed.err);
    assert_eq!(printed.out, page);
    // What the catalogue prints of each claim stands in the page, too.
    for claim in attreg(["claims", names[0], names[1], "--json"]).json()["claims"]
        .as_array()
        .unwrap()
    {
        let id = claim["id"].as_str().unwrap();
        let expected = claim["expected"].as_str().unwrap();
        let line = format!("<code>{id}</code><b class={expected}>{expected}</b>");
        assert!(page.contains(&line), "{id}");
    }
}

#[test]
fn two_forms_at_once_and_a_place_that_cannot_be_written_are_refused() {
    attreg(["claims", "--html", "page.html", "--json"]).assert_usage("cannot be used with");
    attreg(["claims", "sampling", "--html", "/nowhere/page.html"]).assert_refused("/nowhere");
}
