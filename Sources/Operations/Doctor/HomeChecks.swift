import FoundationEssentials
import WaggleProtocol

/// What the facts about a home mean. Decides, and asks nothing.
enum HomeChecks {
    static func all(_ facts: HomeFacts) -> [Check] {
        guard facts.isThere else {
            return [
                Check(
                    "home", "Home", .fail, "there is no node at \(facts.home) yet",
                    fix: "waggle init --home \(facts.home)")
            ]
        }
        return [
            rights(facts), keyRights(facts), owner(facts), root(facts), keys(facts), settings(facts),
            variables(facts), choices(facts),
        ] + databases(facts) + disks(facts) + network(facts) + machine(facts) + remains(facts)
    }

    // MARK: Rights and keys

    private static func isKey(_ path: HomeFacts.WideOpen, _ facts: HomeFacts) -> Bool {
        path.path.hasPrefix(facts.home + "/keys")
    }

    private static func rights(_ facts: HomeFacts) -> Check {
        let wide = facts.wideOpen.filter { !isKey($0, facts) }
        guard let first = wide.first else {
            return Check("home-rights", "Rights of the home", .ok, "nobody else reads \(facts.home)")
        }
        return Check(
            "home-rights", "Rights of the home", .warn,
            "\(first.path) has mode \(octal(first.mode)) and should have \(octal(first.wanted))\(more(wide))",
            fix: "chmod \(octal(first.wanted)) \(first.path)", isSafe: true)
    }

    private static func keyRights(_ facts: HomeFacts) -> Check {
        let wide = facts.wideOpen.filter { isKey($0, facts) }
        guard let first = wide.first else {
            return Check("key-rights", "Rights of keys", .ok, "only this user reads them")
        }
        return Check(
            "key-rights", "Rights of keys", .fail,
            "others may read \(first.path), which has mode \(octal(first.mode))\(more(wide)): what they copied stays "
                + "copied; `waggle key rotate` makes new keys",
            fix: "chmod \(octal(first.wanted)) \(first.path)", isSafe: true)
    }

    private static func owner(_ facts: HomeFacts) -> Check {
        guard let first = facts.foreignFiles.first else {
            return Check("owner", "Owner of files", .ok, "all are this user's")
        }
        return Check(
            "owner", "Owner of files", .fail,
            "\(first) belongs to another user\(more(facts.foreignFiles)); a node cannot write what is not its own",
            fix: "sudo chown -R \"$USER\" \(facts.home)")
    }

    private static func root(_ facts: HomeFacts) -> Check {
        facts.isRoot
            ? Check(
                "user", "User", .warn, "this runs as root, and needs none of its rights",
                fix: "run it as a user of its own, as Examples/deploy/waggle.service does")
            : Check("user", "User", .ok, "not root")
    }

    private static func keys(_ facts: HomeFacts) -> Check {
        guard let (path, why) = facts.badKeys.min(by: { $0.key < $1.key }) else {
            return Check("keys", "Key files", .ok, "\(facts.keys) can be read")
        }
        return Check(
            "keys", "Key files", .fail, "\(path): \(why)\(more(Array(facts.badKeys)))",
            fix: "waggle backup restore FILE, or waggle key recover with the 24 words")
    }

    // MARK: Settings

    private static func settings(_ facts: HomeFacts) -> Check {
        facts.settingsTrouble.map { Check("settings", "Settings", .fail, $0, fix: "waggle config ls --origin") }
            ?? Check("settings", "Settings", .ok, "all are known and of the right form")
    }

    private static func variables(_ facts: HomeFacts) -> Check {
        guard let first = facts.strangeVariables.first else {
            return Check("environment", "Environment", .ok, "no variable is misspelt")
        }
        return Check(
            "environment", "Environment", .warn, "\(first) is no setting\(more(facts.strangeVariables))",
            fix: "unset \(first)")
    }

    private static func choices(_ facts: HomeFacts) -> Check {
        guard let first = facts.overruledChoices.first else {
            return Check("choices", "Choices on pages", .ok, "none is overruled")
        }
        return Check(
            "choices", "Choices on pages", .warn,
            "\(first) was chosen on a page, and a file, variable or flag decides\(more(facts.overruledChoices))",
            fix: "waggle config set \(first) --default, or take it out of the file")
    }

    // MARK: Databases

    private static func databases(_ facts: HomeFacts) -> [Check] {
        let bad = facts.databases.filter { $0.trouble != nil }
        let read = facts.databases.count { $0.wasRead }
        let isLost = bad.contains { !$0.isRebuildable }
        let integrity =
            bad.first.map { first in
                Check(
                    "databases", "Databases", .fail, "\(first.name): \(first.trouble ?? "")\(more(bad))",
                    fix: isLost ? "waggle backup restore FILE" : "waggle reindex")
            }
            ?? Check(
                "databases", "Databases", .ok,
                "\(read) of \(facts.databases.count) were read through and are sound"
                    + (read < facts.databases.count ? "; the others are large: run `waggle doctor` for those" : ""))
        // What can be computed anew is not migrated.
        let unmade = facts.databases.filter {
            $0.migrations == 0 && $0.trouble == nil && $0.size > 0 && !$0.isRebuildable
        }
        let schema =
            unmade.first.map { first in
                Check(
                    "schema", "Schemas", .warn, "\(first.name) was never finished\(more(unmade))", fix: "waggle serve")
            }
            ?? Check(
                "schema", "Schemas", .ok,
                facts.databases.map { "\($0.name) \($0.migrations)" }.joined(separator: ", "))
        let large = facts.databases.filter { $0.journal > Limits.Doctor.journalBytes }
        let journal =
            large.first.map { first in
                Check(
                    "journals", "Write-ahead logs", .warn,
                    "that of \(first.name) has \(ByteSize.text(first.journal)) and was not taken in\(more(large))",
                    fix: "stop the node and start it again")
            } ?? Check("journals", "Write-ahead logs", .ok, "all are small")
        return [integrity, schema, journal]
    }

    // MARK: Disk

    private static func disks(_ facts: HomeFacts) -> [Check] {
        guard let disk = facts.disk else { return [] }
        let needed = max(facts.keepFree, Limits.Doctor.freeBytes)
        let space =
            disk.free < Limits.Doctor.freeBytes
            ? CheckState.fail : disk.free < needed ? .warn : .ok
        var checks = [
            Check(
                "disk", "Disk", space,
                "\(ByteSize.text(disk.free)) of \(ByteSize.text(disk.size)) are free"
                    + (space == .ok ? "" : ", \(ByteSize.text(needed)) should be"),
                fix: "waggle store gc")
        ]
        if let inodes = disk.freeInodes {
            checks.append(
                Check(
                    "inodes", "Inodes", inodes < Limits.Doctor.freeInodes ? .warn : .ok, "\(inodes) are free",
                    fix: "remove small files, or use another file system"))
        }
        checks.append(
            disk.isReadOnly
                ? Check(
                    "file-system", "File system", .fail, "it is mounted for reading alone", fix: "mount -o remount,rw")
                : disk.network.map {
                    Check(
                        "file-system", "File system", .warn,
                        "the home is on \($0): databases on network disks are damaged when connections break",
                        fix: "move the home to a disk of this machine")
                } ?? Check("file-system", "File system", .ok, "a disk of this machine"))
        return checks
    }

    // MARK: Words

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    static func more(_ all: some Collection) -> String {
        all.count > 1 ? " (and \(all.count - 1) more)" : ""
    }
}
