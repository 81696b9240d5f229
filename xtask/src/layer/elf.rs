//! What an ELF executable says about how it is started. (System V ABI, "Object Files" and "Program Loading".)

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

/// What there is to know of a 64-bit little-endian executable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elf {
    /// `e_machine`.
    pub(super) machine: u16,
    /// The program that would load it, if it is not static.
    pub(super) interpreter: Option<String>,
    /// It names shared libraries.
    pub(super) needs_libraries: bool,
}

impl Elf {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.get(..6) != Some(&[0x7f, b'E', b'L', b'F', 2, 1]) {
            return Err("it does not begin as a 64-bit little-endian ELF file".into());
        }
        let table = number(bytes, 0x20, 8)?;
        let (size, count) = (number(bytes, 0x36, 2)?, number(bytes, 0x38, 2)?);
        let machine = u16::try_from(number(bytes, 0x12, 2)?).unwrap_or_default();
        let mut elf = Self { machine, interpreter: None, needs_libraries: false };
        for index in 0..count {
            let header =
                index.checked_mul(size).and_then(|at| at.checked_add(table)).ok_or("its headers lie nowhere")?;
            let (offset, length) = (number(bytes, header + 0x08, 8)?, number(bytes, header + 0x20, 8)?);
            match u32::try_from(number(bytes, header, 4)?).unwrap_or_default() {
                PT_INTERP => {
                    let path = slice(bytes, offset, length)?;
                    elf.interpreter = Some(String::from_utf8_lossy(path).trim_end_matches('\0').to_owned());
                }
                PT_DYNAMIC => {
                    let entries = slice(bytes, offset, length)?.chunks_exact(16);
                    let tags = entries.map(|entry| number(entry, 0, 8).unwrap_or(DT_NULL));
                    elf.needs_libraries = tags.take_while(|tag| *tag != DT_NULL).any(|tag| tag == DT_NEEDED);
                }
                _ => {}
            }
        }
        Ok(elf)
    }
}

fn number(bytes: &[u8], at: u64, length: u64) -> Result<u64, String> {
    let bytes = slice(bytes, at, length)?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn slice(bytes: &[u8], at: u64, length: u64) -> Result<&[u8], String> {
    let range = usize::try_from(at).ok().zip(at.checked_add(length).and_then(|end| usize::try_from(end).ok()));
    range.and_then(|(from, to)| bytes.get(from..to)).ok_or_else(|| "it ends before what its headers name".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An executable with these segments: type and content.
    fn executable(segments: &[(u32, &[u8])]) -> Vec<u8> {
        let mut file = vec![0; 0x40 + 0x38 * segments.len()];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        file[0x12] = 183;
        file[0x20] = 0x40;
        file[0x36] = 0x38;
        file[0x38] = u8::try_from(segments.len()).unwrap();
        for (index, (kind, content)) in segments.iter().enumerate() {
            let (header, offset) = (0x40 + 0x38 * index, file.len());
            file[header..header + 4].copy_from_slice(&kind.to_le_bytes());
            file[header + 8..header + 16].copy_from_slice(&offset.to_le_bytes());
            file[header + 0x20..header + 0x28].copy_from_slice(&content.len().to_le_bytes());
            file.extend_from_slice(content);
        }
        file
    }

    fn dynamic(tags: &[u64]) -> Vec<u8> {
        tags.iter().flat_map(|tag| [tag.to_le_bytes(), [0; 8]].concat()).collect()
    }

    #[test]
    fn a_static_executable_names_no_loader_and_no_library() {
        // DT_FLAGS and DT_RELA: a position-independent one has entries, too.
        let file = executable(&[(1, b"code"), (PT_DYNAMIC, &dynamic(&[30, 7, DT_NULL, DT_NEEDED]))]);
        assert_eq!(Elf::read(&file), Ok(Elf { machine: 183, interpreter: None, needs_libraries: false }));
    }

    #[test]
    fn a_loader_and_a_library_are_seen() {
        let file = executable(&[(PT_INTERP, b"/lib64/ld-linux.so.2\0"), (PT_DYNAMIC, &dynamic(&[DT_NEEDED, DT_NULL]))]);
        let elf = Elf::read(&file).unwrap();
        assert_eq!((elf.interpreter.as_deref(), elf.needs_libraries), (Some("/lib64/ld-linux.so.2"), true));
    }

    #[test]
    fn what_is_cut_off_is_no_executable() {
        let file = executable(&[(PT_INTERP, b"/lib/ld.so\0")]);
        for length in 0..file.len() {
            assert!(Elf::read(&file[..length]).is_err(), "{length}");
        }
    }
}
