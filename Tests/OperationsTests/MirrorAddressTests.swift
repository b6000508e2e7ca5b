import Testing

@testable import Operations

@Suite("Web servers named by a release")
struct MirrorAddressTests {
    @Test(
        "a URL of a file, or one with the place of the hash",
        arguments: [
            "https://models.example/x.safetensors", "http://192.0.2.7:8080/a/b/x.safetensors?token=1",
            "https://models.example/by-hash/{sha256}",
        ])
    func good(_ text: String) {
        #expect(MirrorAddress.refusal(text, files: 1) == nil)
    }

    @Test(
        "what is no such URL is refused with a reason",
        arguments: [
            "", "models.example/x", "ftp://models.example/x", "https://models.example",
            "https://me:secret@models.example/x",
            "https:///x", "https://models.example/a b", "https://models.example/ü", "file:///etc/passwd",
        ])
    func bad(_ text: String) {
        #expect(MirrorAddress.refusal(text, files: 1) != nil)
    }

    @Test("several files need the place of the hash")
    func several() {
        #expect(MirrorAddress.refusal("https://models.example/x", files: 2) != nil)
        #expect(MirrorAddress.refusal("https://models.example/{sha256}", files: 2) == nil)
    }
}
