//! A zip with the same bytes on every machine: fixed times, fixed order, one compressor. (APPNOTE.TXT, version 6.3)

/// 1980-01-01, the first day that a zip can name, as MS-DOS wrote dates.
const DATE: u16 = 1 << 5 | 1;
const DEFLATED: u16 = 8;
/// Version 2.0, which knows deflate.
const VERSION: u16 = 20;
/// Made on UNIX, so that the upper half of the attributes is a mode.
const MADE_ON_UNIX: u16 = 3 << 8 | VERSION;
const LEVEL: u8 = 9;

/// An archive that is being written.
#[derive(Debug, Default)]
pub(super) struct Zip {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    pub(super) fn file(&mut self, name: &str, content: &[u8]) -> Result<(), String> {
        self.add(name, 0o100_644, content)
    }

    pub(super) fn executable(&mut self, name: &str, content: &[u8]) -> Result<(), String> {
        self.add(name, 0o100_755, content)
    }

    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<(), String> {
        let too_large = |_| format!("{name} is too large for a zip");
        let packed = miniz_oxide::deflate::compress_to_vec(content, LEVEL);
        let length = u16::try_from(name.len()).map_err(too_large)?;
        let offset = u32::try_from(self.files.len()).map_err(too_large)?;
        let mut common = Vec::new();
        for half in [VERSION, 0, DEFLATED, 0, DATE] {
            common.extend(half.to_le_bytes());
        }
        let sizes = [u32::try_from(packed.len()), u32::try_from(content.len())];
        for word in [Ok(crc32(content))].into_iter().chain(sizes) {
            common.extend(word.map_err(too_large)?.to_le_bytes());
        }
        common.extend(length.to_le_bytes());
        // No extra field: it would hold times and owners.
        common.extend(0_u16.to_le_bytes());

        self.files.extend(b"PK\x03\x04");
        self.files.extend(&common);
        self.files.extend(name.as_bytes());
        self.files.extend(packed);

        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_ON_UNIX.to_le_bytes());
        self.directory.extend(&common);
        // No comment, first disk, binary.
        self.directory.extend([0; 6]);
        self.directory.extend((mode << 16).to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, String> {
        let word = |length: usize| u32::try_from(length).map_err(|_| "the zip is too large".to_owned());
        let (size, offset) = (word(self.directory.len())?, word(self.files.len())?);
        let mut out = self.files;
        out.extend(self.directory);
        out.extend(b"PK\x05\x06");
        out.extend([0; 4]);
        out.extend(self.count.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.extend([0; 2]);
        Ok(out)
    }
}

/// CRC-32 as zip has it (APPNOTE.TXT, 4.4.7), bit by bit: it runs once for each release.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn example() -> Vec<u8> {
        let mut zip = Zip::default();
        zip.executable("extensions/program", &b"abc".repeat(10_000)).unwrap();
        zip.file("README", b"read me").unwrap();
        zip.file("empty", b"").unwrap();
        zip.finish().unwrap()
    }

    #[test]
    fn the_check_value_of_crc32_comes_out() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_same_files_are_the_same_bytes() {
        assert_eq!(example(), example());
    }

    #[test]
    fn another_reader_finds_names_modes_and_contents() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.zip");
        std::fs::write(&path, example()).unwrap();
        let program = "import sys, zipfile\n\
            z = zipfile.ZipFile(sys.argv[1])\n\
            assert z.testzip() is None\n\
            for i in z.infolist():\n    \
            print(i.filename, oct(i.external_attr >> 16), i.date_time[0], i.create_system, len(z.read(i)), z.read(i)[:3])\n";
        let ran = Command::new("python3").args(["-c", program]).arg(&path).output().unwrap();
        assert_eq!(
            String::from_utf8(ran.stdout).unwrap(),
            "extensions/program 0o100755 1980 3 30000 b'abc'\nREADME 0o100644 1980 3 7 b'rea'\nempty 0o100644 1980 3 0 b''\n",
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}
