//! Bytes of which some are passed over.

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, copy, sink};

/// A source that can leave bytes out.
pub(in crate::instance::files) trait Skip: Read {
    /// Passes over so many bytes, which must be there.
    fn skip(&mut self, bytes: u64) -> Result<()>;
}

/// A source that is read from its beginning to its end: what is passed over is read, and counts in a check sum.
pub(in crate::instance::files) struct Streamed<R>(pub R);

/// A file, in which one can go on: what is passed over is not read.
pub(in crate::instance::files) struct Seekable<R>(pub R);

impl<R: Read> Read for Streamed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Skip for Streamed<R> {
    fn skip(&mut self, bytes: u64) -> Result<()> {
        let passed = copy(&mut (&mut self.0).take(bytes), &mut sink())?;
        if passed < bytes {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        Ok(())
    }
}

impl<R: Read> Read for Seekable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read + Seek> Skip for Seekable<R> {
    /// Whether the bytes are there is known from the length of the file.
    fn skip(&mut self, bytes: u64) -> Result<()> {
        let bytes = i64::try_from(bytes).map_err(|_| Error::from(ErrorKind::UnexpectedEof))?;
        if bytes > 0 {
            self.0.seek(SeekFrom::Current(bytes))?;
        }
        Ok(())
    }
}
