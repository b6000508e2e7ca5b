import Testing
import WaggleProtocol

@testable import Operations

@Suite("Room for files with requests")
struct AttachmentRoomTests {
    private let request = Limits.Cases.attachedBytesPerRequest
    private let day: UInt64 = 86_400

    @Test("two requests at a time are not given the same bytes")
    func reserved() throws {
        let room = AttachmentRoom()
        let kept = { Limits.Cases.attachedBytesOfAll - request - 1 }
        try room.reserve(request, from: "a", at: 0, kept: kept)
        let refusal = #expect(throws: OperationError.self) { try room.reserve(request, from: "b", at: 0, kept: kept) }
        #expect(refusal?.code == .limits)
        try room.reserve(1, from: "b", at: 0, kept: kept)
        room.release(request)
        try room.reserve(request - 1, from: "b", at: 0, kept: kept)
    }

    @Test("an address has so many bytes a day, and what was refused does not count; the operator is not bounded")
    func days() throws {
        let room = AttachmentRoom()
        try room.reserve(Limits.Cases.attachedBytesPerDay - 1, from: "a", at: day) { 0 }
        for _ in 0..<2 {
            #expect(throws: OperationError.self) { try room.reserve(2, from: "a", at: 2 * day - 1) { 0 } }
        }
        try room.reserve(1, from: "a", at: 2 * day - 1) { 0 }
        try room.reserve(request, from: "b", at: 2 * day - 1) { 0 }
        try room.reserve(request, from: "a", at: 2 * day) { 0 }
        for _ in 0..<3 { try room.reserve(request, from: nil, at: day) { 0 } }
    }

    @Test("one address alone never takes the room of all, for as long as files of nobody's concern stay")
    func alone() {
        let days = (Limits.Cases.unattendedSeconds + Limits.Cases.undoSeconds) / day + 1
        #expect(Int(days) * Limits.Cases.attachedBytesPerDay < Limits.Cases.attachedBytesOfAll)
        #expect(Limits.Cases.attachedBytesPerRequest <= Limits.Cases.attachedBytesPerDay)
    }
}
