import Digests
import Testing

@testable import Node

@Suite("Lists of checkpoints in memory")
struct CheckpointBlobsTests {
    private func name(_ number: Int) -> Hash32 { SHA256.hash(Array("list \(number)".utf8)) }
    private func ids(_ count: Int, _ list: Int) -> [Hash32] {
        (0..<count).map { SHA256.hash(Array("id \(list) \($0)".utf8)) }
    }

    @Test("strangers get a quarter, and never the room of those who are known")
    func quarter() {
        let blobs = CheckpointBlobs(limit: 1000)
        for number in 0..<50 { _ = blobs.keep(ids(10, number), name(number), ofStranger: true) }
        #expect(blobs.loaded.count == 25)
        #expect(blobs.keep(ids(750, 100), name(100), ofStranger: false))
        #expect(!blobs.keep(ids(1, 101), name(101), ofStranger: false), "all is used up")
        #expect(blobs.ids(inBlob: name(0))?.count == 10 && blobs.ids(inBlob: name(30)) == nil)
    }

    @Test("what is forgotten makes room again")
    func forgets() {
        let blobs = CheckpointBlobs(limit: 400)
        #expect(blobs.keep(ids(100, 1), name(1), ofStranger: true))
        #expect(!blobs.keep(ids(1, 2), name(2), ofStranger: true))
        blobs.forget([name(1), name(7)])
        #expect(blobs.ids(inBlob: name(1)) == nil)
        #expect(blobs.keep(ids(100, 2), name(2), ofStranger: true))
    }
}
