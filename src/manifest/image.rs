//! Names of images, in a manifest and in `--image`.

use crate::yaml::quoted;

/// ECS `ContainerDefinition$image`.
const MOST_IMAGE: usize = 255;
const DIGEST: &str = "sha256:";
const DIGITS: usize = 64;

/// Why AWS would not take a text as an image, or why nobody can mean it; nothing if it is sound.
pub fn wrong_image(image: &str) -> Vec<String> {
    if let Some(mark) = ["${", "{{"].into_iter().find(|mark| image.contains(mark)) {
        return vec![format!("{} is a template that was not rendered: {}", quoted(image), quoted(mark))];
    }
    let mut found = Vec::new();
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    if name.len() > MOST_IMAGE {
        found.push(format!(
            "the image has {} characters before its digest; AWS takes at most {MOST_IMAGE}",
            name.chars().count()
        ));
    }
    if name.is_empty() || !name.bytes().all(is_allowed) {
        found.push(format!("{} is not the name of an image", quoted(image)));
    }
    if let Some(digest) = digest {
        let hex = digest.strip_prefix(DIGEST).unwrap_or_default();
        if hex.len() != DIGITS || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            found.push(format!("a digest is {DIGEST} and {DIGITS} hexadecimal digits in lower case"));
        }
    }
    found
}

/// What an image's name and tag are made of (ECS `ContainerDefinition$image`).
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_:./#".contains(&byte)
}
