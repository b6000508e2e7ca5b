public import ArgumentParser
import Foundation
import Identity
public import Operations
import SystemPackage

/// `--account`, where keys are changed.
struct KeyAccountOption: ParsableArguments {
    @Option(help: "The account whose keys they are; \"node\" for the node's own.")
    var account = "me"
}

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The keys of accounts and of the node: devices, rotation, revocation, recovery.",
        discussion: """
            Device keys sign posts. Root keys, made from the 24 recovery words, say which devices may; they are kept on
            paper. Commands that need them take --words-file or --root-file, use the recovery secret that the home keeps
            sealed under WAGGLE_PASSPHRASE, or ask for the words.

            EXAMPLES
              waggle key ls
              waggle key new --label laptop --scope release --scope post
              waggle key export laptop -o laptop.key       # then, over there: waggle key import laptop.key
              waggle key revoke laptop --reason lost
              waggle key rotate
            """,
        subcommands: [
            List.self, New.self, Add.self, Export.self, Import.self, Revoke.self, Rotate.self, Recover.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List every key of every account and of the node.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reports = try await node.run(ListKeys())
            if output.json { return try Terminal.json(reports) }
            for report in reports {
                let rotated = report.rotations == 0 ? "" : ", rotated \(report.rotations)×"
                Terminal.print("@\(report.account)  \(report.author)  version \(report.version)\(rotated)")
                if report.version == 0 { Terminal.print("  no key document is here yet; the roots must list this key") }
                if report.isDisputed {
                    Terminal.print("  DISPUTED: two rotations exist. Whoever made the other one knows the next keys.")
                }
                for key in report.keys { Terminal.print(Self.line(key)) }
            }
        }

        private static func line(_ key: KeyReport.Key) -> String {
            var parts = ["\(key.key.prefix(16))…", key.role.rawValue]
            if !key.label.isEmpty { parts.append("\"\(Terminal.plain(key.label))\"") }
            if !key.scopes.isEmpty { parts.append(key.scopes.joined(separator: ",")) }
            // A genesis made from words is dated 1, because the words know no time.
            if key.since > 1 { parts.append("since \(Terminal.date(key.since))") }
            if let until = key.until { parts.append("until \(Terminal.date(until))") }
            if let revoked = key.revoked {
                let kept = revoked.checkpoint == nil ? "" : ", earlier posts stay"
                parts.append("\(revoked.reason) \(Terminal.date(revoked.since))\(kept)")
            }
            parts.append(key.isInUse ? "signs here" : key.isSecretHere ? "secret here" : "secret elsewhere")
            return "  " + parts.joined(separator: "  ")
        }
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make a device key and list it in the account's keys.",
            discussion: """
                The secret stays in this home until it is exported. With --use this home signs with it from now on. With
                --author it is made for an author whose words are elsewhere: list it there with `waggle key add`.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var account: KeyAccountOption
        @OptionGroup var roots: RootOptions

        @Option(help: "What to call the device.")
        var label: String

        @Option(
            name: .customLong("scope"), help: "What it may sign: release, review, post, list, ledger. [default: all]")
        var scopes: [String] = []

        @Flag(name: .customLong("use"), help: "Sign with it in this home from now on.")
        var isForUse = false

        @Option(help: "The author id, where the roots are elsewhere; --account is what the author is called here.")
        var author: String?

        func run() async throws {
            let reply: DeviceReply
            if let author {
                reply = try await node.run(
                    RequestKey(account: account.account, author: author, label: label, passphrase: node.passphrase))
            } else {
                reply = try await node.run(
                    NewKey(
                        account: account.account, label: label, scopes: KeyCommand.scopes(scopes), isForUse: isForUse,
                        roots: roots.source(node, account: account.account), passphrase: node.passphrase))
            }
            if output.json { return try Terminal.json(reply) }
            KeyCommand.tell(reply)
            if author != nil {
                Terminal.note("List it where the words are: waggle key add \(reply.key) --label \"\(label)\"")
            } else if account.account == "node", isForUse {
                Terminal.note("A running server signs with it after a restart.")
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "List a device key that was made elsewhere, by its public key.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var account: KeyAccountOption
        @OptionGroup var roots: RootOptions

        @Argument(help: "64 hexadecimal digits, a minisign key or an ssh-ed25519 line, or a file with one or a PEM.")
        var key: String

        @Option(help: "What to call the device.")
        var label: String

        @Option(
            name: .customLong("scope"), help: "What it may sign: release, review, post, list, ledger. [default: all]")
        var scopes: [String] = []

        func run() async throws {
            let path = Paths.absolute(key).string
            let file = FileManager.default.contents(atPath: path).map {
                String(decoding: $0.prefix(8192), as: UTF8.self)
            }
            let reply = try await node.run(
                NewKey(
                    account: account.account, label: label, scopes: KeyCommand.scopes(scopes), publicKey: file ?? key,
                    isForUse: false, roots: roots.source(node, account: account.account), passphrase: nil))
            if output.json { return try Terminal.json(reply) }
            KeyCommand.tell(reply)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write a device's key file for another machine, or its public key.",
            discussion: """
                The file (--format key) holds the secret: it is sealed with the passphrase of --passphrase-file where one
                is given, and of mode 0600. Public keys are printed, or written to -o.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The key, 8 digits or more of it, or its label.")
        var key: String

        @Option(help: "Only this account's keys; \"node\" for the node's own.")
        var account: String?

        @Option(help: "key, hex, pem, minisign or ssh.")
        var format: ExportKey.Format = .key

        @Option(name: [.customShort("o"), .customLong("output")], help: "File to write.")
        var file: String?

        @Option(name: .customLong("passphrase-file"), help: "Seal the exported file under the first line of this file.")
        var passphraseFile: String?

        func run() async throws {
            let path = file.map { Paths.absolute($0).string }
            let reply = try await node.run(
                ExportKey(
                    key: key, account: account, format: format, path: path, passphrase: node.passphrase,
                    filePassphrase: passphraseFile.map { try Passphrase.read($0) }))
            if output.json { return try Terminal.json(reply) }
            if let written = reply.path { return Terminal.print(written) }
            guard let path else { return Terminal.write(Data(reply.text.utf8)) }
            do {
                try Data(reply.text.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
            } catch {
                throw OperationError(.conflict, "\(path) cannot be written, or is there already")
            }
            Terminal.print(path)
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Take in a device's key file as an account of this home.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "What `waggle key export` wrote.", completion: .file())
        var file: String

        @Option(help: "What to call the account here.")
        var account: String

        @Option(name: .customLong("passphrase-file"), help: "Opens a sealed file.")
        var passphraseFile: String?

        func run() async throws {
            let reply = try await node.run(
                ImportKey(
                    path: Paths.absolute(file).string, account: account,
                    filePassphrase: passphraseFile.map { try Passphrase.read($0) }, passphrase: node.passphrase))
            if output.json { return try Terminal.json(reply) }
            KeyCommand.tell(reply)
        }
    }

    /// `--scope a,b --scope c`.
    static func scopes(_ words: [String]) -> [String] {
        words.flatMap { $0.split(separator: ",").map(String.init) }
    }

    static func tell(_ reply: DeviceReply) {
        let scopes = reply.scopes.isEmpty ? "nothing yet" : reply.scopes.joined(separator: ", ")
        Terminal.print("\(reply.key)  \"\(Terminal.plain(reply.label))\" of @\(reply.account), may sign: \(scopes)")
        if let path = reply.path { Terminal.note("Its secret is \(path)\(reply.isInUse ? ", and signs here" : "").") }
    }
}

extension ExportKey.Format: ExpressibleByArgument {}

/// Passphrases from files.
enum Passphrase {
    /// The first line.
    static func read(_ file: String) throws -> String {
        let path = Paths.absolute(file).string
        guard let data = FileManager.default.contents(atPath: path), data.count <= 64 << 10,
            let line = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).first
        else { throw OperationError(.notFound, "\(path) holds no passphrase") }
        return String(line)
    }
}
