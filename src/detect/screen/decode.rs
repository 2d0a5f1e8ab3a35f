//! UTF-8 out of a stream cut anywhere: whole characters at once, U+FFFD for what is not UTF-8 (as
//! `String::from_utf8_lossy`, whatever the cuts). It does not look at the characters.

#[derive(Default)]
pub(super) struct Decoder {
    /// The beginning of a character whose rest has not come: at most three bytes.
    held: Vec<u8>,
}

impl Decoder {
    /// Appends to `text` every character that `bytes` completes.
    pub(super) fn feed(&mut self, bytes: &[u8], text: &mut String) {
        let mut rest = self.complete(bytes, text);
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, bad) = rest.split_at(error.valid_up_to());
            push_valid(valid, text);
            let Some(length) = error.error_len() else {
                self.held.extend_from_slice(bad);
                return;
            };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &bad[length..];
        }
        push_valid(rest, text);
    }

    /// The stream ended: what is held will never be a character.
    pub(super) fn finish(&mut self, text: &mut String) {
        if !self.held.is_empty() {
            self.held.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    /// Ends the held character with the first of `bytes`; returns those not used.
    fn complete<'b>(&mut self, mut bytes: &'b [u8], text: &mut String) -> &'b [u8] {
        while let (false, Some((&byte, rest))) = (self.held.is_empty(), bytes.split_first()) {
            self.held.push(byte);
            match std::str::from_utf8(&self.held) {
                Err(error) if error.error_len().is_none() => bytes = rest,
                Ok(_) => {
                    push_valid(&self.held, text);
                    self.held.clear();
                    bytes = rest;
                }
                // The new byte broke it off: it is read again as the start of something else.
                Err(_) => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.held.clear();
                }
            }
        }
        bytes
    }
}

fn push_valid(bytes: &[u8], text: &mut String) {
    text.push_str(std::str::from_utf8(bytes).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::Decoder;

    #[test]
    fn any_two_cuts_decode_as_the_whole_does_lossily() {
        let samples: [&[u8]; 5] = [
            "añ─✻🙂z".as_bytes(),
            b"a\xff\xe2\x82b\xf0\x9f\x99c\xc3",
            b"\xe2\x28\xa1\xf4\x90\x80\x80\xed\xa0\x80",
            b"\xf0\xf0\xf0\x9f\x99\x82",
            b"\x80\xbf\xc0\xaf\xe2\x94\x80",
        ];
        for sample in samples {
            let expected = String::from_utf8_lossy(sample);
            for i in 0..=sample.len() {
                for j in i..=sample.len() {
                    let (mut decoder, mut text) = (Decoder::default(), String::new());
                    for part in [&sample[..i], &sample[i..j], &sample[j..]] {
                        decoder.feed(part, &mut text);
                    }
                    decoder.finish(&mut text);
                    assert_eq!(text, expected, "{sample:?} cut at {i} and {j}");
                }
            }
        }
    }
}
