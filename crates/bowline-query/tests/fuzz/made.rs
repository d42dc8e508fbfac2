//! Texts made from other texts, each by a number of its own: the same number makes the same text.

/// xorshift64*: good enough to pick with.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        // Neighbouring seeds are far apart after this.
        Dice((seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xD134_2543_DE82_EF95) | 1)
    }

    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() >> 33).unwrap_or(0) % end.max(1)
    }

    fn pick<'p>(&mut self, from: &'p [String]) -> &'p str {
        from.get(self.below(from.len())).map_or("", String::as_str)
    }
}

/// What stands in texts where something else may stand.
const PIECES: &[&str] = &[
    "|",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "=",
    "==",
    "=~",
    "!=",
    "!~",
    "<=",
    "..",
    "=>",
    ":",
    ".",
    "*",
    "-",
    "!",
    "\"",
    "'",
    "@'",
    "```",
    "//",
    "h\"",
    "\\",
    "\n",
    "\u{feff}",
    "é",
    "𝒳",
    "\u{202e}",
    "\0",
    "0x",
    "1e999",
    "-9223372036854775808",
    "9223372036854775807",
    "18446744073709551616",
    "0",
    "-1",
    "1.5",
    "1d",
    "1e-320",
    "100000000d",
    "null",
    "true",
    "dynamic(",
    "dynamic({\"a\":[1]})",
    "datetime(9999-12-31T23:59:59.9999999)",
    "datetime(0001-01-01)",
    "guid(",
    "real(nan)",
    "int(null)",
    "let x = ",
    "x",
    "name",
    "tags",
    "tags.a['b'][0]",
    "parts",
    "cores",
    "seen",
    "Machines",
    "T*",
    "by",
    "on",
    "with",
    "asc",
    "kind=inner",
    "typeof(long)",
    "materialize(",
    "toscalar(",
    "to typeof(string)",
    "\"a\\u12\"",
];

/// What texts are made of.
pub(crate) struct Corpus {
    pub(crate) texts: Vec<String>,
    pieces: Vec<String>,
}

impl Corpus {
    pub(crate) fn new(texts: Vec<String>) -> Corpus {
        let functions = bowline_kql::functions::all().iter().map(|function| format!("{}(", function.name));
        let operators = bowline_kql::operators::OPERATORS.iter().map(|name| format!("| {name} "));
        let pieces = PIECES.iter().map(|piece| (*piece).to_owned());
        Corpus { texts, pieces: pieces.chain(functions).chain(operators).collect() }
    }

    /// The text of a number.
    pub(crate) fn made(&self, seed: u64) -> String {
        let mut dice = Dice::new(seed);
        let mut text: Vec<char> = dice.pick(&self.texts).chars().collect();
        for _ in 0..=dice.below(6) {
            self.change(&mut dice, &mut text);
            text.truncate(20_000);
        }
        text.into_iter().collect()
    }

    fn change(&self, dice: &mut Dice, text: &mut Vec<char>) {
        let from = dice.below(text.len() + 1);
        let to = (from + dice.below(24)).min(text.len());
        match dice.below(8) {
            0 => drop(text.drain(from..to)),
            1 => insert(text, from, dice.pick(&self.pieces)),
            2 => {
                drop(text.drain(from..to));
                insert(text, from, dice.pick(&self.pieces));
            }
            3 => {
                let again: String = text[from..to].iter().collect();
                let times = 1 + dice.below(60);
                insert(text, from, &again.repeat(times));
            }
            4 => {
                // A part of another text in its place.
                let other: Vec<char> = dice.pick(&self.texts).chars().collect();
                let start = dice.below(other.len() + 1);
                let end = (start + dice.below(120)).min(other.len());
                drop(text.drain(from..to));
                insert(text, from, &other[start..end].iter().collect::<String>());
            }
            5 => {
                let (open, close) =
                    [("(", ")"), ("[", "]"), ("{", "}"), ("strlen(", ")"), ("-", ""), ("not(", ")")]
                        [dice.below(6)];
                let depth = 1 + dice.below(80);
                insert(text, to, &close.repeat(depth));
                insert(text, from, &open.repeat(depth));
            }
            6 => {
                if let Some(at) = (from..text.len()).find(|at| text[*at].is_ascii_digit()) {
                    drop(text.drain(at..=at));
                    insert(
                        text,
                        at,
                        ["0", "-1", "9223372036854775807", "1e308", "3000000000", ""][dice.below(6)],
                    );
                }
            }
            _ => {
                let word: String = text[from..to].iter().collect();
                let at = dice.below(text.len() + 1);
                insert(text, at, &word);
            }
        }
    }
}

fn insert(text: &mut Vec<char>, at: usize, piece: &str) {
    let at = at.min(text.len());
    drop(text.splice(at..at, piece.chars()));
}
