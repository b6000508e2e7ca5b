import Foundation
import SystemPackage
import Testing

@testable import Operations

@Suite("Holding a restored node back")
struct SigningHoldTests {
    private let home: Home

    init() throws {
        home = Home(root: FilePath(NSTemporaryDirectory() + "waggle-hold-\(UUID().uuidString)"))
        try FileManager.default.createDirectory(atPath: home.root.string, withIntermediateDirectories: true)
    }

    @Test("nothing holds a home that was not restored")
    func free() throws {
        let hold = SigningHold(home: home)
        #expect(!hold.isHeld)
        try hold.check()
        try hold.lift()
    }

    @Test("a restored home signs nothing, after a restart neither, until it is lifted for good")
    func held() throws {
        let mark = try JSONEncoder().encode(SigningHold.Restored(restored: 2, backup: 1_700_000_000))
        try mark.write(to: URL(filePath: home.restoredMark.string))
        for _ in 0..<2 {
            let error = #expect(throws: OperationError.self) { try SigningHold(home: home).check() }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("2023-11-14") == true && error?.message.contains("backup confirm") == true)
        }
        try SigningHold(home: home).lift()
        #expect(!SigningHold(home: home).isHeld)
    }

    @Test("a mark that cannot be read holds, too")
    func damaged() throws {
        try Data("{".utf8).write(to: URL(filePath: home.restoredMark.string))
        #expect(SigningHold(home: home).isHeld)
    }
}
