/// The UTF-8 of a string of a JSON text: a part of the text, so that nothing is copied, unless it has escapes.
struct JSONStringPlace {
    /// Between the quotes, up to the first escape.
    let range: Range<Int>
    /// The whole string; nil when nothing had to be unescaped.
    var unescaped: [UInt8]?
}
