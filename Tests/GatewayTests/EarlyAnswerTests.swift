import NIOCore
import NIOEmbedded
import NIOHTTP2
import Testing

@testable import Gateway

@Suite("Requests over HTTP/2 that go on after their answer")
struct EarlyAnswerTests {
    private let channel = EmbeddedChannel(handler: EarlyAnswer(lingering: .seconds(5)))

    private func frame(_ text: String, isEnd: Bool) -> HTTP2Frame.FramePayload {
        .data(.init(data: .byteBuffer(ByteBuffer(string: text)), endStream: isEnd))
    }

    private func sent() throws -> [String] {
        var frames: [String] = []
        while let frame = try channel.readOutbound(as: HTTP2Frame.FramePayload.self) {
            switch frame {
            case .data(let data): frames.append(data.endStream ? "end" : "data")
            case .rstStream(.noError): frames.append("reset without error")
            default: frames.append("\(frame)")
            }
        }
        return frames
    }

    @Test("are taken for a time, and then ended without an error")
    func endless() throws {
        try channel.writeInbound(frame("some", isEnd: false))
        try channel.writeOutbound(frame("too large", isEnd: false))
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(try sent() == ["data"], "the answer is not complete")
        try channel.writeOutbound(frame("", isEnd: true))
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        try channel.writeInbound(frame("more", isEnd: false))
        #expect(try sent() == ["end"])
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try sent() == ["reset without error"])
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(try sent().isEmpty)
        _ = try channel.finish()
    }

    @Test("are left alone when they end in time", arguments: [false, true])
    func ended(isBefore: Bool) throws {
        if isBefore { try channel.writeInbound(frame("all", isEnd: true)) }
        try channel.writeOutbound(frame("answer", isEnd: true))
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        if !isBefore { try channel.writeInbound(frame("all", isEnd: true)) }
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(try sent() == ["end"])
        _ = try channel.finish()
    }
}
