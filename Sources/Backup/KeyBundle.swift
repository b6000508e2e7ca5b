import Digests
public import FoundationEssentials
import Identity
import WaggleProtocol

/// Everything in a home's `keys/`, sealed as one: `keys.sealed.json`.
public struct KeyBundle: Codable, Sendable, Equatable {
    /// Path below `keys/` → contents in base 64.
    public private(set) var files: [String: Data]

    public init(files: [String: Data]) {
        self.files = files
    }

    /// Seals the files under a passphrase.
    func sealed(_ passphrase: String, cost: PassphraseBox.Cost) throws(BackupError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else { throw .noMemory }
        do {
            return try Self.encoded(PassphraseBox(sealing: Array(json), passphrase: passphrase, cost: cost))
        } catch {
            throw .noMemory
        }
    }

    static func encoded(_ box: PassphraseBox) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        // Texts and numbers always encode.
        return (try? Array(encoder.encode(box)) + Array("\n".utf8)) ?? []
    }

    /// Opens a sealed bundle whose bytes are as they were written, so that what does not open is the passphrase.
    init(opening bytes: [UInt8], passphrase: String, path: String) throws(BackupError) {
        guard let box = try? JSONDecoder().decode(PassphraseBox.self, from: Data(bytes)) else {
            throw .damaged(path: path, what: "its sealed keys are none")
        }
        let json: [UInt8]
        do {
            json = try box.open(passphrase, limit: Int(Limits.Backup.keysBytes))
        } catch {
            switch error {
            case .malformed: throw .damaged(path: path, what: "its sealed keys are none")
            case .wrongPassphrase: throw .wrongPassphrase(path: path)
            case .noMemory: throw .noMemory
            }
        }
        guard let bundle = try? JSONDecoder().decode(KeyBundle.self, from: Data(json)) else {
            throw .damaged(path: path, what: "the keys in it are none")
        }
        for name in bundle.files.keys where !Self.isSafe(name) {
            throw .damaged(path: path, what: "it names the key file \"\(MemberName.shown(name))\", which no home has")
        }
        self = bundle
    }

    /// `me.key`, `me.recovery`, `genesis.posts`, `devices/HEX.key`: a name, or one below `devices/`.
    static func isSafe(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2 && parts[0] == "devices", let last = parts.last else { return false }
        return (1...100).contains(last.utf8.count) && last.utf8.first != UInt8(ascii: ".")
            && last.utf8.allSatisfy { byte in
                (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || "-_.".utf8.contains(byte)
            }
    }
}
