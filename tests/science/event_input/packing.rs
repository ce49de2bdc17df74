//! Packs frames the way files and alerts hold them: pickled, zipped, as base64, compressed.

use std::io::Write;

use base64::Engine;
use flate2::Compression;

/// How a frame is wrapped inside an alert.
#[derive(Clone, Copy)]
pub(crate) enum Python {
    Two,
    Three,
    ThreeProtocol4,
}

pub(crate) fn pickled_frame(frame: &[u8], python: Python) -> Vec<u8> {
    let sized = |op: u8, bytes: &[u8]| {
        [&[op], (bytes.len() as u32).to_le_bytes().as_slice(), bytes].concat()
    };
    match python {
        Python::Two => [
            b"\x80\x02cicecube.icetray\nI3Frame\nq\x01)Rq\x02}q\x03".as_slice(),
            &sized(b'T', frame),
            b"\x86b.",
        ]
        .concat(),
        Python::Three => {
            let text: String = frame.iter().map(|byte| char::from(*byte)).collect();
            [
                b"\x80\x02cicecube._icetray\nI3Frame\nq\x00)Rq\x01}q\x02c_codecs\nencode\nq\x03"
                    .as_slice(),
                &sized(b'X', text.as_bytes()),
                b"q\x04",
                &sized(b'X', b"latin1"),
                b"q\x05\x86q\x06Rq\x07\x86q\x08b.",
            ]
            .concat()
        }
        Python::ThreeProtocol4 => {
            let mut body =
                b"\x8c\x10icecube._icetray\x94\x8c\x07I3Frame\x94\x93\x94)R\x94}\x94".to_vec();
            body.extend(sized(b'B', frame));
            body.extend(b"\x94\x86\x94b.");
            [
                b"\x80\x04\x95".as_slice(),
                &(body.len() as u64).to_le_bytes(),
                &body,
            ]
            .concat()
        }
    }
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The list of frames of an alert, as JSON.
pub(crate) fn packed(frames: &[(char, Vec<u8>)], python: Python) -> serde_json::Value {
    let pack = |(stop, frame): &(char, Vec<u8>)| {
        serde_json::json!([
            stop.to_string(),
            base64(&zlib(&pickled_frame(frame, python)))
        ])
    };
    frames.iter().map(pack).collect()
}

/// A pickle, protocol 3, of what JSON can hold.
pub(crate) fn pickled(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = vec![0x80, 3];
    pickle_into(value, &mut bytes);
    bytes.push(b'.');
    bytes
}

fn pickle_into(value: &serde_json::Value, to: &mut Vec<u8>) {
    use serde_json::Value;
    match value {
        Value::Null => to.push(b'N'),
        Value::Bool(value) => to.push(if *value { 0x88 } else { 0x89 }),
        Value::Number(number) => match number.as_i64() {
            Some(small) => {
                to.extend([b"J".as_slice(), (small as i32).to_le_bytes().as_slice()].concat())
            }
            None => {
                to.push(b'G');
                to.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::String(text) => {
            to.push(b'X');
            to.extend((text.len() as u32).to_le_bytes());
            to.extend(text.bytes());
        }
        Value::Array(items) => {
            to.extend(b"](");
            items.iter().for_each(|item| pickle_into(item, to));
            to.push(b'e');
        }
        Value::Object(pairs) => {
            to.extend(b"}(");
            for (key, value) in pairs {
                pickle_into(&Value::from(key.as_str()), to);
                pickle_into(value, to);
            }
            to.push(b'u');
        }
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
