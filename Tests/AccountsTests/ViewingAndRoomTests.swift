import Digests
import Foundation
import GRDB
import Identity
import Testing
import WaggleProtocol

@testable import Accounts

@Suite("What accounts see, and the room that they have")
struct ViewingAndRoomTests {
    private func accounts(_ folder: URL, now: UInt64 = 10_000) async throws -> Accounts {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
        return try await Accounts(path: folder.appending(path: "accounts.db").path, node: key, now: { now })
    }

    private func within(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "accounts-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    @Test("a role has a quota, the operator gives one account another, and that outlives a restart")
    func quotas() async throws {
        try await within { folder in
            let desk = try await accounts(folder)
            try await desk.adopt(handle: "ada", author: SHA256.hash([1]), role: .member, levels: 3)
            #expect(try await desk.existing("ada").storage == .bytes(Limits.Accounts.storage))
            #expect(AccountRole.allCases.map { $0.storage.bytes == nil } == [true, false, false, false, false, false])
            #expect(AccountRole.limited.storage == .bytes(0))
            for quota in [StorageQuota.bytes(5000), .unlimited, .bytes(0), nil] {
                #expect(try await desk.set(quota, of: "ada").quota == quota)
                #expect(try await accounts(folder).existing("ada").quota == quota)
            }
            await #expect(throws: AccountsError.self) {
                try await desk.set(.bytes(Limits.Accounts.storageAtMost + 1), of: "ada")
            }
            await #expect(throws: AccountsError.noAccount("eve")) { try await desk.set(.unlimited, of: "eve") }
        }
    }

    @Test("room that is held is all given back, whatever is held and released in between")
    func held() {
        let seed = UInt64.random(in: .min ... .max)
        var state = seed
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var room = HeldRoom()
        var open: [(account: Int64, bytes: UInt64)] = []
        for _ in 0..<2000 {
            if next(2) == 0, !open.isEmpty {
                let one = open.remove(at: Int(next(UInt64(open.count))))
                room.release(one.bytes, account: one.account)
            } else {
                let one = (account: Int64(next(3)), bytes: next(1 << 40))
                open.append(one)
                let sum = open.filter { $0.account == one.account }.reduce(0) { $0 + $1.bytes }
                #expect(room.hold(one.bytes, account: one.account) == sum, "seed \(seed)")
            }
        }
        for one in open { room.release(one.bytes, account: one.account) }
        for account in Int64(0)..<3 { #expect(room.hold(0, account: account) == 0, "seed \(seed)") }
        // More than anybody can have is told apart from nothing, and given back as it was taken.
        #expect(room.hold(.max, account: 1) > Limits.Accounts.storageAtMost)
        room.release(.max, account: 1)
        #expect(room.hold(0, account: 1) == 0)
    }

    @Test("levels above PG-13 are for those who said that they are adults; who takes it back sees what everybody sees")
    func age() async throws {
        try await within { folder in
            let desk = try await accounts(folder)
            try await desk.adopt(handle: "ada", author: SHA256.hash([1]), role: .member, levels: 3)
            await #expect(throws: AccountsError.ageNeeded) {
                try await desk.set(ViewingChoice(levels: 31), of: "ada")
            }
            #expect(try await desk.existing("ada").levels == 3)
            let adult = try await desk.set(ViewingChoice(levels: 31, blurFrom: 8, isAdult: true), of: "ada")
            #expect(adult.seenLevels == 31 && adult.blurFrom == 8 && adult.adultSince == 10_000)
            // Said again it is as old as it was.
            let again = try await accounts(folder, now: 20_000).set(ViewingChoice(isAdult: true), of: "ada")
            #expect(again == adult)
            let young = try await desk.set(ViewingChoice(isAdult: false), of: "ada")
            #expect(young.levels == 3 && young.seenLevels == 3 && young.adultSince == nil)
        }
    }

    @Test("an older database is brought up to date: who saw everything goes on to")
    func migration() async throws {
        try await within { folder in
            let desk = try await accounts(folder)
            try await desk.adopt(handle: "ada", author: SHA256.hash([1]), role: .member, levels: 3)
            try await desk.adopt(handle: "me", author: SHA256.hash([2]), role: .admin, levels: 31)
            let queue = try DatabaseQueue(path: folder.appending(path: "accounts.db").path)
            try await queue.write { database in
                for column in ["blur_from", "adult_since", "quota"] {
                    try database.execute(sql: "ALTER TABLE accounts DROP COLUMN \(column)")
                }
                try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '6 viewing and room'")
            }
            try queue.close()
            let people = try await accounts(folder).all()
            #expect(people.map(\.handle) == ["ada", "me"] && people.map(\.seenLevels) == [3, 31])
            #expect(people.map { $0.adultSince == nil } == [true, false])
            #expect(people.allSatisfy { $0.quota == nil && $0.blurFrom == 4 })
        }
    }
}
