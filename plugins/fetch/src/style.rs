//! Tells from an element's own attributes whether a person would see it.
//!
//! Looked at: `hidden` (in `tree`) and what `style` says. A page can hide text in many more ways; see
//! the README for what is not caught.
//!
//! Not here: style sheets, classes, scripts.

/// Longest `style` that is read, in bytes. Real ones have some hundred; beyond, the element counts as
/// hidden, as nobody can say.
const STYLE_BYTES_MAX: usize = 16 * 1024;
/// Opacity up to which nothing can be read.
const OPACITY_SEEN: f32 = 0.1;
/// Letters up to this size, in pixels, cannot be read.
const FONT_PIXELS_SEEN: f32 = 2.0;
/// How far out of the page an element must be moved to count as hidden, in pixels: pages move things
/// by some hundred for layout, and by thousands to hide them.
const OFF_PAGE_PIXELS: f32 = 999.0;

/// Answers whether the declarations of a `style` attribute hide the element.
pub fn hides(style: &str) -> bool {
    if style.len() > STYLE_BYTES_MAX {
        return true;
    }
    let style = plain(style);
    let mut look = Look::default();
    for declaration in style.split(';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let value = value.split('!').next().unwrap_or_default().trim();
        look.read(name.trim(), value);
    }
    look.is_hidden()
}

/// What the declarations say, as far as it matters. A later one wins over an earlier one.
#[derive(Debug, Default)]
struct Look {
    is_absent: bool,
    is_invisible: bool,
    is_faint: bool,
    is_tiny: bool,
    is_clipped: bool,
    is_scaled_away: bool,
    is_outside: bool,
    is_empty_box: bool,
    cuts_overflow: bool,
    color: String,
    background: String,
}

impl Look {
    fn read(&mut self, name: &str, value: &str) {
        match name {
            "display" => self.is_absent = value == "none",
            "visibility" => self.is_invisible = matches!(value, "hidden" | "collapse"),
            "content-visibility" => self.is_invisible = value == "hidden",
            "opacity" => self.is_faint = number(value).is_some_and(|n| n < OPACITY_SEEN),
            "filter" => self.is_faint = value.starts_with("opacity(0"),
            "font-size" => self.is_tiny = is_tiny(value),
            "font" => {
                self.is_tiny = value.split([' ', '/']).any(|part| part == "0" || part == "0px")
            }
            "clip" => self.is_clipped = is_empty_rectangle(value),
            "clip-path" => {
                self.is_clipped = ["inset(50%", "inset(100%", "circle(0"]
                    .iter()
                    .any(|shape| value.starts_with(shape));
            }
            "transform" => {
                self.is_scaled_away = ["scale(0)", "scalex(0)", "scaley(0)"].contains(&value);
            }
            "left" | "right" | "top" | "bottom" | "text-indent" | "margin-left" | "margin-top" => {
                self.is_outside |= pixels(value).is_some_and(|n| n.abs() >= OFF_PAGE_PIXELS);
            }
            "width" | "height" | "max-width" | "max-height" => {
                self.is_empty_box |= pixels(value).is_some_and(|n| n <= 1.0);
            }
            "overflow" => self.cuts_overflow = matches!(value, "hidden" | "clip"),
            "color" => value.clone_into(&mut self.color),
            "background" | "background-color" => value.clone_into(&mut self.background),
            _ => {}
        }
    }

    fn is_hidden(&self) -> bool {
        let is_painted_over = self.color == "transparent"
            || (!self.color.is_empty() && self.color == self.background);
        self.is_absent
            || self.is_invisible
            || self.is_faint
            || self.is_tiny
            || self.is_clipped
            || self.is_scaled_away
            || self.is_outside
            || (self.is_empty_box && self.cuts_overflow)
            || is_painted_over
    }
}

/// Returns a style in lower case, without comments, with its escapes resolved.
fn plain(style: &str) -> String {
    let mut text = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    if text.contains('\\') {
        text = unescaped(&text);
    }
    text.make_ascii_lowercase();
    text
}

/// Resolves `\64` and `\d` as CSS has them.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let mut code = 0;
        let mut digits = 0;
        while digits < 6
            && let Some(digit) = chars.peek().and_then(|c| c.to_digit(16))
        {
            code = code * 16 + digit;
            digits += 1;
            chars.next();
        }
        if digits == 0 {
            plain.extend(chars.next());
            continue;
        }
        if chars.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            chars.next();
        }
        plain.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    plain
}

/// Reads a number, or a percentage as its fraction.
fn number(value: &str) -> Option<f32> {
    match value.strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().map(|n: f32| n / 100.0),
        None => value.parse().ok(),
    }
}

/// Reads a length as pixels, roughly: what it is relative to is taken as 16 pixels.
fn pixels(value: &str) -> Option<f32> {
    let end = value.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(value.len());
    let (count, unit) = value.split_at(end);
    let count: f32 = count.trim().parse().ok()?;
    let factor = match unit {
        "" | "px" => 1.0,
        "pt" => 1.33,
        "em" | "rem" | "ch" | "ex" | "vw" | "vh" => 16.0,
        "cm" => 38.0,
        "in" => 96.0,
        // 100 % of an unknown width is in the page; 1,000 % is not.
        "%" if count.abs() >= 300.0 => 16.0,
        "%" => 2.0,
        _ => return None,
    };
    Some(count * factor)
}

fn is_tiny(value: &str) -> bool {
    match value.strip_suffix('%') {
        Some(percent) => percent.trim().parse().is_ok_and(|n: f32| n < 10.0),
        None => pixels(value).is_some_and(|n| n < FONT_PIXELS_SEEN),
    }
}

/// Answers whether a `clip` leaves at most a pixel.
fn is_empty_rectangle(value: &str) -> bool {
    let Some(inner) = value.strip_prefix("rect(") else { return false };
    let sides = inner.trim_end_matches(')').split([',', ' ']).filter(|side| !side.is_empty());
    let mut sides = sides.peekable();
    sides.peek().is_some() && sides.all(|side| pixels(side).is_some_and(|n| n <= 1.0))
}

#[cfg(test)]
mod tests {
    use super::STYLE_BYTES_MAX;
    use super::hides;

    #[test]
    fn what_hides_is_seen_to_hide() {
        for style in [
            "display:none",
            "color:red; DISPLAY : None !important",
            "dis/* x */play:none",
            "display:\\6e one",
            "\\64 isplay:none",
            "visibility: hidden",
            "opacity:0",
            "opacity: 0.01",
            "opacity:0%",
            "font-size:0",
            "font-size: 1px",
            "font-size:0.01em",
            "position:absolute;left:-9999px",
            "position: absolute; top: -100em",
            "text-indent:-1000%",
            "width:1px;height:1px;overflow:hidden",
            "height:0;overflow:clip",
            "clip: rect(0 0 0 0)",
            "clip:rect(1px,1px,1px,1px)",
            "clip-path: inset(50%)",
            "transform:scale(0)",
            "color:transparent",
            "color:#fff;background-color:#fff",
        ] {
            assert!(hides(style), "{style}");
        }
    }

    #[test]
    fn what_does_not_hide_is_kept() {
        for style in [
            "",
            "display:block",
            "display:none;display:block",
            "color:red",
            "opacity:0.5",
            "opacity:1",
            "font-size:12px",
            "font-size:80%",
            "font-size:0.8em",
            "left:-20px",
            "width:0",
            "overflow:hidden;height:200px",
            "clip:rect(0,100px,100px,0)",
            "color:#fff;background:#000",
            "background:url(data:image/png;base64,xx)",
            "text-indent:2em",
            ":;:;;",
        ] {
            assert!(!hides(style), "{style}");
        }
    }

    #[test]
    fn a_style_too_long_to_read_hides() {
        assert!(!hides(&" ".repeat(STYLE_BYTES_MAX)));
        assert!(hides(&" ".repeat(STYLE_BYTES_MAX + 1)));
    }
}
