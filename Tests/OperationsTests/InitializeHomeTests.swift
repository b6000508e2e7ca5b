import Foundation
import Identity
import Operations
import SystemPackage
import Testing

@Suite("Making a home")
struct InitializeHomeTests {
    private func withHome(_ body: (Home) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "waggle-home-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: path) }
        try body(Home(root: FilePath(path.path)))
    }

    @Test("keys are readable by their owner alone, and a second init changes nothing")
    func twice() throws {
        try withHome { home in
            let first = try InitializeHome(home: home, passphrase: nil, now: 1000).run()
            #expect(first.isNew && first.words.split(separator: " ").count == 24)
            for name in ["node.key", "me.key"] {
                let path = home.keys.appending(name).string
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(name)")
            }
            let second = try InitializeHome(home: home, passphrase: nil, now: 2000).run()
            #expect(!second.isNew && second.words.isEmpty && second.me == first.me && second.node == first.node)
        }
    }

    @Test("a home without @me is left as it is; a node key that a crash left alone is no home")
    func partial() throws {
        try withHome { home in
            let first = try InitializeHome(home: home, passphrase: nil, now: 1000).run()
            try FileManager.default.removeItem(atPath: home.key(ofAccount: "me").string)
            try Data().write(to: URL(filePath: home.db.appending("posts.db").string))
            let documents = home.keyDocuments
            let second = try InitializeHome(home: home, passphrase: nil, now: 2000).run()
            #expect(!second.isNew && second.node == first.node && second.me.isEmpty)
            #expect(home.keyDocuments == documents)
            try FileManager.default.removeItem(atPath: home.db.appending("posts.db").string)
            let third = try InitializeHome(home: home, passphrase: nil, now: 3000).run()
            #expect(third.isNew && third.node != first.node && !third.words.isEmpty)
        }
    }

    @Test("a sealed key opens with its passphrase only")
    func sealed() throws {
        try withHome { home in
            _ = try InitializeHome(home: home, passphrase: "a long passphrase", now: 1000).run()
            let path = home.key(ofAccount: "me").string
            #expect(throws: KeyFileError.passphraseNeeded(path: path)) { try KeyFile(path: path) }
            #expect(throws: KeyFileError.wrongPassphrase(path: path)) { try KeyFile(path: path, passphrase: "other") }
            #expect(try KeyFile(path: path, passphrase: "a long passphrase").label == "me")
        }
    }

    @Test("the words bring back the author id of @me")
    func words() throws {
        try withHome { home in
            let reply = try InitializeHome(home: home, passphrase: nil, now: 1000).run()
            let secret = try RecoverySecret(words: reply.words)
            #expect(AuthorID.text(try secret.genesis(.person).id) == reply.me)
            #expect(AuthorID.text(try secret.genesis(.node).id) == reply.node)
        }
    }

    @Test("what a crash left of a commit is swept, and nothing else")
    func sweep() throws {
        try withHome { home in
            let (left, kept) = (home.temporary.appending("hub-0102"), home.temporary.appending("uploads"))
            for folder in [left, kept] {
                try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
                try Data([1]).write(to: URL(filePath: folder.appending("a.bin").string))
            }
            home.sweepTemporary()
            #expect(!FileManager.default.fileExists(atPath: left.string))
            #expect(FileManager.default.fileExists(atPath: kept.appending("a.bin").string))
        }
    }
}
