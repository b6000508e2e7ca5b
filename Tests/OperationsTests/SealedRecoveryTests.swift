import Foundation
import Identity
import SystemPackage
import Testing
import WaggleProtocol

@testable import Operations

@Suite("The sealed recovery secret of a home")
struct SealedRecoveryTests {
    private func file(_ secret: RecoverySecret, _ chain: KeyChain) -> KeyFile {
        KeyFile(author: chain.author, label: "recovery words", secret: secret.bytes)
    }

    private func secret(_ sealed: SealedRecovery, _ chain: KeyChain) throws -> [UInt8]? {
        guard case .words(let secret) = try sealed.secret(of: chain) else { return nil }
        return Array(secret.bytes)
    }

    @Test("whether a rotation came into force or not, the secret in force opens, and is never written over")
    func rotation() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "waggle-sealed-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = (0..<4).map { _ in RecoverySecret.random() }
        let old = try KeyChain(genesis: secrets[0].genesis(.person))
        let sealed = SealedRecovery(FilePath(folder.appending(path: "me.recovery").path), passphrase: "honey")
        try file(secrets[0], old).write(to: sealed.path.string, passphrase: "honey")

        // The first is refused, so the old secret stays and the second takes its room.
        try sealed.prepare(file(secrets[1], old), for: old)
        #expect(try secret(sealed, old) == Array(secrets[0].bytes))
        try sealed.prepare(file(secrets[2], old), for: old)
        #expect(try secret(sealed, old) == Array(secrets[0].bytes))

        // That one comes into force, and the program ends before it says so.
        var new = old
        for post in try old.rotating(from: secrets[0], to: secrets[2], now: 1_800_000_000) { try new.add(post) }
        #expect(try secret(sealed, new) == Array(secrets[2].bytes))
        try sealed.prepare(file(secrets[3], new), for: new)
        #expect(try secret(sealed, new) == Array(secrets[2].bytes))

        for post in try new.rotating(from: secrets[2], to: secrets[3], now: 1_800_000_001) { try new.add(post) }
        try sealed.commit()
        #expect(try secret(sealed, new) == Array(secrets[3].bytes))
        #expect(!FileManager.default.fileExists(atPath: sealed.next.string))
    }
}
