import Digests
import Foundation
import Identity
import Testing

@Suite("Key files")
final class KeyFileTests {
    private let directory: String

    init() throws {
        directory = NSTemporaryDirectory() + "waggle-key-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    private let file = KeyFile(author: SHA256.hash([1]), label: "laptop", secret: SHA256.hash([2]).bytes)
    private var path: String { directory + "/device.key" }

    @Test("a key comes back as it was written, for its owner's eyes only")
    func roundTrip() throws {
        try file.write(to: path)
        let read = try KeyFile(path: path)
        #expect(read.author == file.author && read.label == file.label && read.secret == file.secret)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["device.key"])
    }

    @Test("a sealed key opens with its passphrase alone, and names its author without")
    func sealed() throws {
        try file.write(to: path, passphrase: "correct horse")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains(Hex.encode(file.secret)))
        #expect(throws: KeyFileError.passphraseNeeded(path: path)) { try KeyFile(path: path) }
        #expect(throws: KeyFileError.wrongPassphrase(path: path)) {
            try KeyFile(path: path, passphrase: "correct horsf")
        }
        #expect(try KeyFile(path: path, passphrase: "correct horse").secret == file.secret)
        #expect(try KeyFile.author(path: path) == file.author)
    }

    @Test("a key is never overwritten")
    func overwrite() throws {
        try file.write(to: path)
        let other = KeyFile(author: .zero, label: "other", secret: [UInt8](repeating: 3, count: 32))
        #expect(throws: KeyFileError.exists(path: path)) { try other.write(to: path) }
        #expect(try KeyFile(path: path).secret == file.secret)
    }

    @Test("a key takes the place of another in one step, and carries its author's documents along")
    func replaces() throws {
        try file.write(to: path)
        let other = KeyFile(
            author: file.author, label: "other", secret: [UInt8](repeating: 3, count: 32),
            documents: [Data([1, 2]), Data([3])])
        try other.replace(at: path, passphrase: "p")
        let read = try KeyFile(path: path, passphrase: "p")
        #expect(read.secret == other.secret && read.documents == other.documents)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["device.key"])
    }

    @Test("a leftover of a crash does not stand in the way")
    func leftover() throws {
        try Data("half a k".utf8).write(to: URL(fileURLWithPath: path + ".new"))
        try file.write(to: path)
        #expect(try KeyFile(path: path).secret == file.secret)
    }

    @Test("a key that others can read is refused", arguments: [0o604, 0o640, 0o644, 0o666])
    func tooOpen(_ mode: Int) throws {
        try file.write(to: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(throws: KeyFileError.tooOpen(path: path, mode: UInt32(mode))) { try KeyFile(path: path) }
    }

    @Test("no file, a directory and damaged files are refused with what is wrong")
    func damaged() throws {
        #expect(throws: KeyFileError.missing(path: path)) { try KeyFile(path: path) }
        #expect(throws: KeyFileError.unreadable(path: directory, reason: "it is no file")) {
            try KeyFile(path: directory)
        }
        try file.write(to: path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for (index, bytes) in [
            Data(), whole.prefix(whole.count / 2), Data("{}".utf8), Data("[1]".utf8),
            Data(String(decoding: whole, as: UTF8.self).replacing("\"version\" : 1", with: "\"version\" : 2").utf8),
            Data(String(decoding: whole, as: UTF8.self).replacing(Hex.encode(file.secret), with: "00").utf8),
            Data(String(decoding: whole, as: UTF8.self).replacing("w1", with: "w2").utf8),
        ].enumerated() {
            let damaged = directory + "/damaged \(index)"
            try #require(
                FileManager.default.createFile(
                    atPath: damaged, contents: bytes, attributes: [.posixPermissions: 0o600]))
            #expect(throws: KeyFileError.malformed(path: damaged), "\(index)") { try KeyFile(path: damaged) }
        }
    }

    @Test("a sealed file that asks for endless work is refused before the work")
    func endless() throws {
        try file.write(to: path, passphrase: "p")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (from, to) in [
            ("\"operations\" : 3", "\"operations\" : 4000000000"), ("\"operations\" : 3", "\"operations\" : 0"),
            ("\"memoryBytes\" : 268435456", "\"memoryBytes\" : 9223372036854775807"),
            ("\"memoryBytes\" : 268435456", "\"memoryBytes\" : -1"), ("argon2id13", "md5"),
        ] {
            try #require(text.contains(from))
            let hostile = directory + "/hostile \(to.filter(\.isLetter)) \(to.count)"
            try #require(
                FileManager.default.createFile(
                    atPath: hostile, contents: Data(text.replacing(from, with: to).utf8),
                    attributes: [.posixPermissions: 0o600]))
            #expect(throws: KeyFileError.malformed(path: hostile)) { try KeyFile(path: hostile, passphrase: "p") }
        }
    }
}
