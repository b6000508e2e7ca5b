import ArgumentParser
import Foundation
import Operations
import SystemPackage

/// Where the passphrase of a backup comes from.
struct BackupPassphrase: ParsableArguments {
    @Option(
        name: .customLong("passphrase-file"),
        help: "A file whose first line is the backup's passphrase. [default: $WAGGLE_BACKUP_PASSPHRASE, else asked for]"
    )
    var passphraseFile: String?

    /// Nil when nobody says it.
    func given() throws -> String? {
        if let passphraseFile { return try Passphrase.read(passphraseFile) }
        let found = ProcessInfo.processInfo.environment["WAGGLE_BACKUP_PASSPHRASE"]
        return found.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Parameter isNew: it is typed twice.
    func required(isNew: Bool) throws -> String {
        if let given = try given() { return given }
        guard let typed = Terminal.secret(isNew ? "A passphrase for the backup:" : "The backup's passphrase:"),
            !typed.isEmpty
        else {
            throw OperationError(
                .usage, "a backup's keys are sealed: give --passphrase-file FILE or WAGGLE_BACKUP_PASSPHRASE")
        }
        if isNew, Terminal.secret("Once more:") != typed {
            throw OperationError(.usage, "the two are not the same; nothing was written")
        }
        return typed
    }
}

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Save this node into one file, check it, and make a home from it.",
        discussion: """
            A backup has everything that cannot be had back from elsewhere: posts, decisions, peers, pins and numbers, the
            settings, the keys (sealed under the backup's passphrase) and the list of all blobs; with --blobs their bytes.
            Certificates for HTTPS are not in it. It is a tar file with a manifest of SHA-256s.

            EXAMPLES
              waggle backup create /mnt/usb/                       # while the node runs
              waggle backup verify /mnt/usb/waggle-20260301T120000.backup
              waggle backup restore /mnt/usb/waggle-20260301T120000.backup --home ~/new
              waggle repair --home ~/new                           # fetches the blobs from peers
            """,
        subcommands: [Create.self, Verify.self, Restore.self, Confirm.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Make a backup, while the node goes on.",
            discussion: "Never overwrites a file. On any failure nothing is left.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var passphrase: BackupPassphrase

        @Argument(help: "The file to make, or a folder for one named by the time.")
        var path: String

        @Flag(name: .customLong("blobs"), help: "Also save the bytes of all blobs that are here.")
        var withBlobs = false

        func run() async throws {
            // A slash at the end says folder, and is lost when the path is made absolute.
            let folder = path.hasSuffix("/") ? "/" : ""
            let report = try await node.run(
                CreateBackup(
                    path: Paths.absolute(path).string + folder, withBlobs: withBlobs,
                    passphrase: passphrase.required(isNew: true)))
            if output.json { return try Terminal.json(report) }
            Terminal.print(report.path)
            Terminal.note(
                "\(ByteSize.text(report.size)); \(report.listedBlobs) blobs listed, \(report.includedBlobs) of them included"
            )
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Check every byte of a backup. Writes nothing; needs no node.",
            discussion: """
                With its passphrase, that the keys open, too. Exit code 6 for damage, 5 for another passphrase.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var passphrase: BackupPassphrase

        @Argument(help: "The backup.", completion: .file())
        var file: String

        func run() async throws {
            let line = ProgressLine()
            let given =
                try passphrase.given() ?? Terminal.secret("The backup's passphrase (empty: leave the keys sealed):")
            let report = try VerifyBackup(
                path: Paths.absolute(file), passphrase: given.flatMap { $0.isEmpty ? nil : $0 }
            ).run { line.show($0) }
            line.finish()
            if output.json { return try Terminal.json(report) }
            Terminal.print("Good: a backup of \(Terminal.date(report.created)) by \(Terminal.plain(report.software))")
            Terminal.print("  node     \(Terminal.plain(report.node))")
            for (name, author) in report.accounts.sorted(by: { $0.key < $1.key }) {
                Terminal.print("  account  @\(Terminal.plain(name))  \(Terminal.plain(author))")
            }
            Terminal.print(
                "  blobs    \(report.listedBlobs) listed (\(ByteSize.text(report.listedBytes))), \(report.includedBlobs) included"
            )
            Terminal.print("  keys     \(report.areKeysOpened ? "open with this passphrase" : "sealed; not tried")")
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore", abstract: "Make a new home from a backup.",
            discussion: """
                All of the backup is checked before anything is written; a home in which anything is stays as it is. The
                restored node signs nothing before it has asked a peer what it signed after the backup: start it, or say
                `waggle backup confirm` when there is no peer. `waggle repair` fetches the blobs.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var passphrase: BackupPassphrase

        @Argument(help: "The backup.", completion: .file())
        var file: String

        func run() async throws {
            let line = ProgressLine()
            let reply = try RestoreBackup(
                path: Paths.absolute(file), home: node.resolvedHome, passphrase: passphrase.required(isNew: false),
                now: UInt64(Date().timeIntervalSince1970)
            ).run { line.show($0) }
            line.finish()
            if output.json { return try Terminal.json(reply) }
            Terminal.print("Restored \(reply.home) from a backup of \(Terminal.date(reply.backup))")
            Terminal.print("  node     \(reply.node)")
            for (name, author) in reply.accounts.sorted(by: { $0.key < $1.key }) {
                Terminal.print("  account  @\(name)  \(author)")
            }
            Terminal.note(
                """
                Next:  waggle serve     asks the peers for what came after the backup, then signs again
                       waggle repair    fetches the \(reply.listedBlobs - reply.includedBlobs) blobs that the backup only lists
                """)
        }
    }

    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "confirm", abstract: "Let a restored node sign without having asked a peer.",
            discussion: """
                What was signed after the backup and is found later may contradict what is signed now: newer words of one
                slot win, and of two releases of one version both stay. Say it only when no peer is left to ask.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await node.run(ConfirmRestore())
            if output.json { return try Terminal.json(reply) }
            Terminal.print(reply.wasHeld ? "This node signs again." : "Nothing held it; this node signs.")
        }
    }
}

struct RepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Fetch blobs that should be here and are not, by their hash, from peers.",
        discussion: """
            What the store had (as its index or the backup it came from says), what something pins, and what posts of this
            node's people name. Exit code 6 when some could not be found; they are named.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let reply = try await node.run(RepairStore())
        if output.json {
            try Terminal.json(reply)
        } else {
            for blob in reply.missing {
                let name = blob.name.isEmpty ? "" : "  \(Terminal.plain(blob.name))"
                Terminal.print("\(blob.sha256)\(name)\t\(ByteSize.text(blob.size))\t\(Terminal.plain(blob.failure))")
            }
            Terminal.print(
                "\(reply.wanted.blobs) blobs should be here; fetched \(reply.fetched.blobs) "
                    + "(\(ByteSize.text(reply.fetched.bytes))), \(reply.missing.count) not found.")
        }
        if !reply.isWhole {
            throw OperationError(
                .integrity, "\(reply.missing.count) blobs were not found; add a peer that has them and try again")
        }
    }
}
