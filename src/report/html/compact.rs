//! The same page in fewer bytes: quotes, end tags and escapes that HTML can do without.
//!
//! What comes from instances has its quotes and angle brackets escaped, so that it contains neither tags nor quoted attributes. Between
//! tags only `<` and `&` stay escaped: nothing else begins markup there.

/// End tags that follow from what comes next wherever a page has them.
const IMPLIED: [&str; 4] = ["</dt>", "</dd>", "</li>", "</option>"];
/// Elements of pictures that may close themselves.
const SELF_CLOSING: [&str; 6] = ["use", "path", "line", "circle", "polyline", "rect"];

/// Markup that parses to the same elements. Not for scripts and styles.
pub(super) fn compact(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        out.push_str(&text(&rest[..start]));
        rest = &rest[start..];
        if let Some(end) = IMPLIED.iter().find(|end| rest.starts_with(**end)) {
            rest = &rest[end.len()..];
            continue;
        }
        let Some(tag) = tag(rest) else { break };
        rest = &rest[tag.len()..];
        let bare = unquoted(tag);
        let name = name(tag);
        let end = format!("</{name}>");
        if SELF_CLOSING.contains(&name) && rest.starts_with(&end) {
            rest = &rest[end.len()..];
            let open = bare.trim_end_matches('>');
            out.push_str(open);
            // A slash after a bare value would belong to the value.
            out.push_str(if open.ends_with('"') { "/>" } else { " />" });
        } else {
            out.push_str(&bare);
        }
    }
    out.push_str(&text(rest));
    out
}

/// Text between tags.
fn text(escaped: &str) -> String {
    escaped.replace("&quot;", "\"").replace("&gt;", ">")
}

/// The tag that this begins with, quoted angle brackets included.
pub(super) fn tag(text: &str) -> Option<&str> {
    let mut quoted = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '"' => quoted = !quoted,
            '>' if !quoted => return text.get(..=at),
            _ => {}
        }
    }
    None
}

fn name(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    let end = name.find([' ', '>', '/']).unwrap_or(name.len());
    &name[..end]
}

/// The tag with every value bare that may be.
fn unquoted(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    let mut parts = tag.split('"');
    out.push_str(parts.next().unwrap_or_default());
    while let Some(value) = parts.next() {
        let after = parts.next().unwrap_or_default();
        let plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.#%:".contains(sign);
        if !value.is_empty() && value.chars().all(plain) && after.starts_with([' ', '>']) {
            out.push_str(value);
        } else {
            out.push('"');
            out.push_str(value);
            out.push('"');
        }
        out.push_str(after);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the rules of HTML for bare values and implied end tags.
    #[test]
    fn quotes_and_end_tags_go_where_nothing_depends_on_them() {
        for (markup, expected) in [
            (
                r#"<li data-a="b/c" data-d="e-1.5" data-f=""><b class="x y">t</b></li>"#,
                r#"<li data-a="b/c" data-d=e-1.5 data-f=""><b class="x y">t</b>"#,
            ),
            (
                r##"<use href="#part0"></use><path d="M1 2h0"></path>"##,
                r##"<use href=#part0 /><path d="M1 2h0"/>"##,
            ),
            (
                r#"<mspace width="1em" /><a href="x" />"#,
                r#"<mspace width=1em /><a href=x />"#,
            ),
            ("<dl><dt>a</dt><dd>b</dd></dl>", "<dl><dt>a<dd>b</dl>"),
            // An element of pictures that has something in it stays open.
            (
                r#"<circle r="5"><title>t</title></circle>"#,
                "<circle r=5><title>t</title></circle>",
            ),
            // A bare value would end at these signs, or be no value.
            (
                r#"<p a="x>y" b="1 2" c="d=e" f="g"h>"#,
                r#"<p a="x>y" b="1 2" c="d=e" f="g"h>"#,
            ),
        ] {
            assert_eq!(compact(markup), expected);
        }
    }

    /// What an instance says begins no tag and ends no attribute.
    #[test]
    fn text_stays_text() {
        let escaped =
            "a = &quot;b&quot; &lt;/dd&gt; &lt;use href=&quot;c&quot;&gt; &amp;lt; \u{2265}";
        assert_eq!(
            compact(escaped),
            "a = \"b\" &lt;/dd> &lt;use href=\"c\"> &amp;lt; \u{2265}"
        );
        let attribute = "<p title=\"&quot;b&gt;\">";
        assert_eq!(compact(attribute), attribute);
    }
}
