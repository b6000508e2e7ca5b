import Digests
import Foundation
import GRDB
import Identity
import Testing
import WaggleProtocol

@testable import Accounts

@Suite("What comes along with moves")
struct MovedRoomTests {
    private func accounts(_ folder: URL) async throws -> Accounts {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
        return try await Accounts(path: folder.appending(path: "accounts.db").path, node: key, now: { 10_000 })
    }

    private func within(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "moved-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    @Test("whoever was busy for years has room for all of it, once; what does not fit as a whole takes none")
    func room() {
        var room = MovedRoom()
        let (tooMany, tooMuch) = (
            room.take(posts: Limits.Accounts.movedPosts + 1, bytes: 0),
            room.take(posts: 1, bytes: Limits.Accounts.movedBytes + 1)
        )
        #expect(!tooMany && !tooMuch && room == MovedRoom())
        let all = room.take(posts: Limits.Accounts.movedPosts, bytes: 5)
        #expect(all && room == MovedRoom(after: Limits.Accounts.movedPosts, bytes: 5))
        let (more, none) = (room.take(posts: 1, bytes: 0), room.take(posts: 0, bytes: 0))
        #expect(!more && none)
        #expect(MovedRoom(after: .max, bytes: .max).posts == 0)
    }

    @Test("each account has its own, and it does not come back with a restart")
    func kept() async throws {
        try await within { folder in
            let desk = try await accounts(folder)
            try await desk.adopt(handle: "ada", author: SHA256.hash([1]), role: .member, levels: 3)
            try await desk.adopt(handle: "bea", author: SHA256.hash([2]), role: .member, levels: 3)
            let (ada, bea) = (try await desk.existing("ada"), try await desk.existing("bea"))
            try await desk.admit(moved: Limits.Accounts.movedPosts - 3, bytes: 100, by: ada)
            await #expect(throws: AccountsError.self) { try await desk.admit(moved: 4, bytes: 1, by: ada) }
            try await desk.admit(moved: 2, bytes: 1, by: ada)
            let again = try await accounts(folder)
            let left = try await again.movedRoom(of: ada)
            #expect(left.posts == 1 && left.bytes == Limits.Accounts.movedBytes - 101)
            #expect(try await again.movedRoom(of: bea) == MovedRoom())
        }
    }

    @Test("an older database is brought up to date: nobody brought anything")
    func migration() async throws {
        try await within { folder in
            try await accounts(folder).adopt(handle: "ada", author: SHA256.hash([1]), role: .member, levels: 3)
            let queue = try DatabaseQueue(path: folder.appending(path: "accounts.db").path)
            try await queue.write { database in
                for column in ["moved_posts", "moved_bytes"] {
                    try database.execute(sql: "ALTER TABLE accounts DROP COLUMN \(column)")
                }
                try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '10 moved posts'")
            }
            try queue.close()
            let desk = try await accounts(folder)
            #expect(try await desk.movedRoom(of: desk.existing("ada")) == MovedRoom())
        }
    }
}
