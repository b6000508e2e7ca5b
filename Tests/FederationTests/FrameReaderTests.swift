import FoundationEssentials
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Federation

@Suite("Stream frames")
struct FrameReaderTests {
    @Test("frames come out whole however the bytes are cut", arguments: 0..<50 as Range<UInt64>)
    func cuts(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var bytes: [UInt8] = []
        let cursors = (0..<20).map { "log.\(seed).\($0)" }
        for cursor in cursors {
            var frame = WireStreamFrame()
            frame.cursor = cursor
            frame.envelope = Data(repeating: 7, count: Int.random(in: 0...300, using: &random))
            let body = try frame.serializedBytes() as [UInt8]
            var length = body.count
            while length >= 0x80 {
                bytes.append(UInt8(length & 0x7f | 0x80))
                length >>= 7
            }
            bytes.append(UInt8(length))
            bytes += body
        }
        var reader = FrameReader()
        var found: [String] = []
        while !bytes.isEmpty {
            let count = min(bytes.count, Int.random(in: 1...97, using: &random))
            reader.append(bytes.prefix(count))
            bytes.removeFirst(count)
            while let frame = try reader.next() { found.append(frame.cursor) }
        }
        #expect(found == cursors, "seed \(seed)")
    }

    @Test("a frame that claims more than a body may have is refused before it is waited for")
    func tooLarge() {
        var reader = FrameReader()
        reader.append([0xff, 0xff, 0xff, 0x7f])
        #expect(throws: FrameReader.TooLarge.self) { try reader.next() }
    }
}
