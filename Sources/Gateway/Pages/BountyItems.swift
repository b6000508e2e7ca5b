import Economy
import Operations

/// A bounty as lists and its own page show it.
struct BountyItem {
    let bountyHref: String
    let bountyTitle: String
    let bountyPhase: String
    let bountyMoney: String
    let bountyEntries: String
    let bountyPoster: String
    let bountyEnd: String
    let bountyEndDay: String

    init(_ line: BountyLine) {
        bountyHref = "/bounties/\(line.bounty)"
        bountyTitle = line.title
        bountyPhase = Self.phase(line.phase)
        bountyMoney = Self.money(line)
        bountyEntries = Wording.count(line.entries, say("entry"), say("entries-2"))
        bountyPoster = line.name
        bountyEnd = Dates.minute(line.deadline)
        bountyEndDay = Dates.day(line.deadline)
    }

    static func phase(_ word: String) -> String {
        switch BountyPhase(rawValue: word) {
        case .open: say("takes-entries")
        case .judging: say("backers-decide")
        case .settling: say("being-settled")
        case .closed, nil: say("closed")
        }
    }

    static func money(_ line: BountyLine) -> String {
        func part(_ amount: Int64, _ word: String) -> String? {
            amount > 0 ? "\(Wording.count(Int(amount))) \(line.symbol) \(word)" : nil
        }
        let parts = [
            part(line.escrowed, say("set-aside-2")), part(line.pledged, say("pledged")), part(line.paid, say("paid-2")),
            part(line.returned, say("returned")),
        ].compactMap { $0 }
        return parts.isEmpty ? say("nothing-set-aside") : parts.joined(separator: ", ")
    }

    static func rule(_ word: String) -> String {
        switch BountyRule(rawValue: word) {
        case .first: say("the-entry-that-reached-the-arbiter")
        case .split: say("everybody-who-entered-gets-an-equal")
        case .mostAwarded: say("the-entry-that-other-backers-gave")
        case .refund, nil: say("it-goes-back-to-the-backer")
        }
    }
}

/// An entry as a bounty's page shows it.
struct EntryItem {
    let entryID: String
    let entryAuthor: String
    let entryAuthorHref: String
    let entryHTML: String
    let entryTime: String
    let entryDay: String
    let entryWon: String?
    let entryLate: Bool
    let entryCounts: Bool
    let entryWorks: [LinkView]

    init(_ entry: BountyReport.Entry, _ symbol: String, works: [LinkView]) {
        entryID = entry.post
        entryAuthor = entry.name
        entryAuthorHref = "/@\(PercentCoding.encode(entry.handle))"
        entryHTML = Markdown.html(entry.text, firstHeading: 4)
        entryTime = Dates.minute(entry.created)
        entryDay = Dates.day(entry.created)
        entryWon = entry.won > 0 ? say("won", Wording.count(Int(entry.won)), "\(symbol)") : nil
        entryLate = !entry.counts
        entryCounts = entry.counts
        entryWorks = works
    }
}

/// What one person set aside or pledged, as a bounty's page shows it.
struct BackingItem {
    let backingHref: String
    let backingAmount: String
    let backingState: String
    let backer: String
    let backingWords: String

    init(_ backing: BountyReport.Backing, _ line: BountyLine) {
        backingHref = "/buzz/\(line.currency)/finals/\(backing.hold)"
        backingAmount = "\(Wording.count(Int(backing.amount))) \(line.symbol)"
        backingState = Self.state(backing.state)
        backer = backing.name ?? "\(backing.account.prefix(16))…"
        var words = backing.isPledge ? say("pledge-can-be-withdrawn") : say("in-the-arbiters-hand")
        if backing.state == "open", let next = backing.next { words = say("ends-by-itself-on", words, Dates.day(next)) }
        if backing.paid > 0, backing.returned > 0 {
            words = say("paid-returned", Wording.count(Int(backing.paid)), Wording.count(Int(backing.returned)))
        }
        backingWords = words
    }

    private static func state(_ word: String) -> String {
        switch word {
        case "open": say("open-2")
        case "to be paid": say("to-be-paid")
        case "to be returned": say("to-be-returned")
        case "expired": say("expired")
        case "paid": say("paid-2")
        case "returned": say("returned")
        default: word
        }
    }
}
