//! Which file this thread is reading, for a message where the system refuses memory: it can ask for none to be told.

use std::cell::RefCell;
use std::path::Path;

/// The longest name that is kept; of a longer one the end, which says more.
const LONGEST: usize = 1024;

/// A name in a place of its own.
#[derive(Clone, Copy)]
struct Name {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Name {
    const NONE: Self = Self {
        bytes: [0; LONGEST],
        length: 0,
    };

    fn of(path: &Path) -> Self {
        let text = path.as_os_str().as_encoded_bytes();
        let kept = &text[text.len().saturating_sub(LONGEST)..];
        let mut name = Self::NONE;
        name.length = kept.len();
        for (place, byte) in name.bytes.iter_mut().zip(kept) {
            // A message is one line.
            *place = if byte.is_ascii_control() { b' ' } else { *byte };
        }
        name
    }
}

thread_local! {
    // Without a destructor and without an initial value to compute: looking at it asks for no memory.
    static NAME: RefCell<Name> = const { RefCell::new(Name::NONE) };
}

/// Until this is dropped, the thread reads the file that it was made for.
pub struct Reading {
    before: Name,
}

impl Reading {
    /// This thread begins to read `path`; a file that it was reading is read on afterwards.
    pub fn begin(path: &Path) -> Self {
        let now = Name::of(path);
        Self {
            before: NAME.with(|name| name.replace(now)),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        NAME.with(|name| *name.borrow_mut() = self.before);
    }
}

/// Hands over the name of the file that this thread is reading, if there is one. Asks for no memory.
pub fn with_name(take: impl FnOnce(&[u8])) {
    // Beyond the thread's end there is no name any more, and somebody who is changing it has none yet.
    let _ = NAME.try_with(|name| {
        if let Ok(name) = name.try_borrow()
            && name.length > 0
        {
            take(&name.bytes[..name.length]);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Option<String> {
        let mut found = None;
        with_name(|bytes| found = String::from_utf8(bytes.to_vec()).ok());
        found
    }

    #[test]
    fn the_innermost_file_is_named_until_it_is_read() {
        assert_eq!(name(), None);
        let outer = Reading::begin(Path::new("p.json"));
        assert_eq!(name().as_deref(), Some("p.json"));
        {
            let _inner = Reading::begin(Path::new("a\nb.mtx"));
            assert_eq!(name().as_deref(), Some("a b.mtx"));
            let elsewhere = std::thread::spawn(name).join();
            assert_eq!(elsewhere.unwrap(), None);
        }
        assert_eq!(name().as_deref(), Some("p.json"));
        drop(outer);
        assert_eq!(name(), None);
    }

    #[test]
    fn of_a_long_name_the_end_is_kept() {
        let path = format!("{}/end.mtx", "x".repeat(2 * LONGEST));
        let _reading = Reading::begin(Path::new(&path));
        let kept = name().unwrap();
        assert_eq!(kept.len(), LONGEST);
        assert!(kept.ends_with("x/end.mtx"));
    }
}
