//! The wire format of protobuf.

/// A field as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

/// Reads the fields of one message.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The number and the value of the next field; `None` at the end.
    pub(super) fn next_field(&mut self) -> Result<Option<(u64, Item<'a>)>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let item = match tag & 7 {
            0 => Item::Varint(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|error| error.to_string())?;
                let (bytes, rest) =
                    self.rest.split_at_checked(length).ok_or("the protobuf body is cut short")?;
                self.rest = rest;
                Item::Bytes(bytes)
            }
            other => return Err(format!("protobuf wire type {other} is not supported")),
        };
        Ok(Some((tag >> 3, item)))
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or("the protobuf body is cut short")?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a protobuf number is too long".to_owned())
    }
}
