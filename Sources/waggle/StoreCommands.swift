import ArgumentParser
import Operations
import SystemPackage

struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "The bytes on this node's disk.",
        subcommands: [Usage.self, Collect.self, Scrub.self, Find.self])

    struct Usage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "df", abstract: "Show what the bytes are there for, and what room is left.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let usage = try await node.run(ShowStoreUsage())
            if output.json { return try Terminal.json(usage) }
            let rows: [(String, BlobSum)] = [
                ("own posts", usage.ownPosts), ("asked for by people", usage.userPins), ("bounties", usage.bounties),
                ("mirror rules", usage.mirrorRules), ("cache, may be evicted", usage.cache),
                ("downloads under way", usage.partial), ("trash, goes within 24 h", usage.trash),
                ("adopted files, in no budget", usage.adopted),
                ("small copies of pictures, in no budget", usage.thumbnails),
            ]
            for (name, sum) in rows where sum.blobs > 0 {
                Terminal.print("\(name)\t\(sum.blobs)\t\(ByteSize.text(sum.bytes))")
            }
            let budget = usage.budget.map { " of \(ByteSize.text($0)) (storage.budget)" } ?? ", no budget set"
            Terminal.print("used\t\t\(ByteSize.text(usage.used))\(budget)")
            if let free = usage.free {
                Terminal.print(
                    "free on the disk\t\t\(ByteSize.text(free)), of which \(ByteSize.text(usage.keepFree)) are kept free"
                )
            }
            if usage.mirrorsWant > 0 {
                let left = usage.leftAfterMirrors.map { "; \(ByteSize.text($0)) are left then" } ?? ""
                Terminal.print("mirror rules still want\t\t\(ByteSize.text(usage.mirrorsWant))\(left)")
            }
            Terminal.print(
                "read again within 30 days\t\t\(ByteSize.text(usage.verifiedBytes)) of "
                    + ByteSize.text(usage.inServiceBytes))
            if usage.damaged > 0 {
                Terminal.note("\(usage.damaged) blobs are damaged; `waggle store scrub` repairs them")
            }
        }
    }

    struct Collect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gc", abstract: "Evict what nothing holds, as a running node does once a minute.",
            discussion: """
                Above 90 % of storage.budget what nothing pins goes to the trash, the longest unused first, down to 80 %.
                The trash is emptied after 24 hours. Adopted files are never touched. What no peer is known to have stays,
                unless --last-copies is given.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(name: .customLong("dry-run"), help: "Change nothing; say what would go.")
        var isDryRun = false

        @Flag(name: .customLong("last-copies"), help: "Evict what no peer is known to have, too.")
        var lastCopies = false

        func run() async throws {
            let done = try await node.run(CollectStore(lastCopies: lastCopies, isDryRun: isDryRun))
            if output.json { return try Terminal.json(done) }
            let rows = [
                ("to the trash", done.trashed), ("gone for good", done.unlinked),
                ("downloads given up", done.abandoned),
                ("kept, because no peer is known to have it", done.lastCopies),
            ]
            for (name, sum) in rows where sum.blobs > 0 {
                Terminal.print("\(isDryRun ? "would be " : "")\(name)\t\(sum.blobs)\t\(ByteSize.text(sum.bytes))")
            }
            if rows.allSatisfy({ $0.1.blobs == 0 }) { Terminal.note("Nothing has to go.") }
        }
    }

    struct Scrub: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "scrub", abstract: "Read blobs again, and repair what is bad from peers.",
            discussion: """
                Without hashes: those that were not read for 30 days, which a running node does by itself. Only bad MiB are
                fetched. Exit code 6 when something bad could not be repaired.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(name: .customLong("all"), help: "Everything, whenever it was read last.")
        var isAll = false

        @Argument(help: "SHA-256 of blobs.")
        var hashes: [String] = []

        func validate() throws {
            if isAll, !hashes.isEmpty { throw ValidationError("Say either --all or which blobs.") }
        }

        func run() async throws {
            let report = try await node.run(ScrubStore(hashes: hashes, isAll: isAll))
            if output.json {
                try Terminal.json(report)
            } else {
                for finding in report.findings {
                    let units = finding.badUnits.prefix(16).map(String.init).joined(separator: ", ")
                    let end =
                        finding.isRepaired
                        ? "repaired"
                        : finding.isAdopted ? "out of service, left as it is" : "not repaired: \(finding.failure)"
                    Terminal.print("\(finding.sha256)\tbad MiB \(units)\t\(Terminal.plain(end))")
                }
                let sum = report.checked
                Terminal.print("Read \(sum.blobs) blobs (\(ByteSize.text(sum.bytes))), \(report.findings.count) bad.")
            }
            if !report.isSound {
                throw OperationError(.integrity, "not everything could be repaired; it is tried again once a minute")
            }
        }
    }

    struct Find: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "find", abstract: "Show where a blob is, what holds it, and which posts name it.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "SHA-256, the beginning of one, or the path of a file.")
        var blob: String

        func run() async throws {
            let isHash = !blob.isEmpty && blob.count <= 64 && blob.allSatisfy(\.isHexDigit)
            let text = isHash ? blob : Paths.absolute(blob).string
            let found = try await node.run(FindInStore(text: text))
            if output.json { return try Terminal.json(found) }
            for blob in found {
                let units = blob.units.map { " \(blob.heldUnits ?? 0) of \($0) MiB" } ?? ""
                let name = blob.fileName.isEmpty ? "" : "\t\(Terminal.plain(blob.fileName))"
                Terminal.print("\(blob.sha256)\t\(blob.size)\t\(blob.state)\(units)\(name)")
                let lines: [(String, [String])] = [
                    ("at", [blob.path].compactMap { $0 }), ("adopted", blob.adopted),
                    ("changed since hashed", blob.changed),
                    ("pinned", blob.pins), ("named by post", blob.posts),
                    ("read and right", blob.verifiedAt.map { [Terminal.date($0)] } ?? []),
                    ("evicted", blob.trashedAt.map { [Terminal.date($0)] } ?? []),
                    ("taken down", [blob.purgeReason].compactMap { $0 }),
                ]
                for (name, values) in lines {
                    for value in values { Terminal.print("  \(name)\t\(Terminal.plain(value))") }
                }
            }
        }
    }
}
