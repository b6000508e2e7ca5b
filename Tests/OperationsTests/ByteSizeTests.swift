import Operations
import Testing

@Suite("Byte sizes")
struct ByteSizeTests {
    @Test(
        "people's ways of writing a size",
        arguments: [
            ("1000", 1000), ("1kB", 1000), ("1 GB", 1_000_000_000), ("1.5GB", 1_500_000_000), ("2GiB", 2_147_483_648),
            ("3tb", 3_000_000_000_000), ("0", 0),
        ] as [(String, UInt64)])
    func reads(text: String, bytes: UInt64) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test("what is no size", arguments: ["", "GB", "-1", "1XB", "1e30GB", "1.2.3", "99999999999999TB"])
    func refuses(text: String) {
        #expect(ByteSize(text) == nil)
    }

    @Test(
        "three digits for people",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (642_734, "643 kB"), (12_345_678, "12.3 MB"),
            (1_234_567_890, "1.23 GB"), (999_600, "1.0 MB"),
        ] as [(UInt64, String)])
    func writes(bytes: UInt64, text: String) {
        #expect(ByteSize.text(bytes) == text)
    }
}
