import FoundationEssentials

extension WireModerationSubject {
    /// The subject's name in slots: a word, a space, and hexadecimal digits or the text. Nil for a kind of unknown number.
    public var slotName: String? {
        kind.slotWord.map { "\($0) \(kind.isText ? text : hash.digits)" }
    }

    /// - Parameter onList: lists name no people.
    func check(onList: Bool) throws(BodyFailure) {
        try require(distance == 0 || kind == .picture, "only pictures have a distance")
        switch kind {
        case .unspecified: throw BodyFailure(what: "a subject has a kind")
        case .domain, .phrase:
            try require(
                hash.isEmpty && (1...Limits.Lists.subjectTextBytes).contains(text.utf8.count),
                "a domain or phrase has 1 to \(Limits.Lists.subjectTextBytes) bytes")
            try require(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "a subject has a control character")
            try require(kind == .phrase || text.isDomain, "a domain has lower-case letters, digits, - and .")
        case .author where onList: throw BodyFailure(what: "a list names no people")
        case .autov2: try require(hash.count == 5 && text.isEmpty, "AutoV2 has 5 bytes")
        case .UNRECOGNIZED:
            // From a later version: it means nothing here and takes little room.
            try require(
                hash.count <= 32 && text.utf8.count <= Limits.Lists.subjectTextBytes, "a subject is too long")
        default:
            try require(hash.count == 32 && text.isEmpty, "a subject's hash has 32 bytes")
            try require(
                distance <= UInt32(Limits.Moderation.pictureDistance),
                "pictures differ in at most \(Limits.Moderation.pictureDistance) bits")
        }
    }
}

extension WireSubjectKind {
    /// The word of the kind in slots and on the command line; nil for one of unknown number.
    public var slotWord: String? {
        switch self {
        case .file: "file"
        case .tensors: "tensors"
        case .post: "post"
        case .picture: "picture"
        case .author: "author"
        case .key: "key"
        case .node: "node"
        case .domain: "domain"
        case .phrase: "phrase"
        case .autov2: "autov2"
        case .autov3: "autov3"
        case .saltedFile: "salted-file"
        case .saltedPicture: "salted-picture"
        case .unspecified, .UNRECOGNIZED: nil
        }
    }

    var isText: Bool { self == .domain || self == .phrase }
}

extension WireModerationList {
    func check(slot: String) throws(BodyFailure) {
        try listSlug(slot)
        try bounded(name, "name", Limits.Text.nameBytes)
        try bounded(purpose, "purpose", Limits.Text.descriptionBytes)
        try bounded(policyURL, "policy URL", Limits.Wire.urlBytes)
        try bounded(appealURL, "appeal URL", Limits.Wire.urlBytes)
        try require(salt.isEmpty || Limits.Lists.saltBytes.contains(salt.count), "a salt has 16 to 32 bytes")
        try require(
            forkAuthor.isEmpty == forkSlug.isEmpty && (forkAuthor.isEmpty || forkAuthor.count == 32),
            "a fork names the author and the slug of a list")
        if !forkSlug.isEmpty { try listSlug(forkSlug) }
    }
}

extension WireListEntry {
    func check(slot: String) throws(BodyFailure) {
        try listSlug(list)
        try require(hasSubject, "an entry has a subject")
        try subject.check(onList: true)
        let name = subject.slotName.map { "\(list) \($0)" }
        // Of a kind from a later version only the list is known.
        try require(
            name.map { slot.utf8.elementsEqual($0.utf8) } ?? slot.utf8.starts(with: "\(list) ".utf8),
            "the slot of an entry is its list and its subject")
        try code(label, "label", Limits.Lists.labelBytes, isOptional: true)
        try code(reason, "reason", Limits.Lists.codeBytes)
        try require(severity <= Limits.Lists.severity, "a severity is 0 to \(Limits.Lists.severity)")
        try basisIsSaid(basis)
        try require(until < Limits.Post.timeEnd, "the time is out of range")
        try require(evidence.isEmpty || evidence.count == 32, "evidence is named by 32 bytes")
        try bounded(caseNumber, "case number", Limits.Lists.caseBytes)
    }
}

extension WireLabel {
    func check(slot: String) throws(BodyFailure) {
        try require(hasSubject, "a label has a subject")
        try subject.check(onList: false)
        try code(label, "label", Limits.Lists.labelBytes)
        guard let name = subject.slotName else { throw BodyFailure(what: "the kind of subject is not known here") }
        try require(
            slot.utf8.elementsEqual("\(name) \(label)".utf8), "the slot of a label is its subject and its name")
        try bounded(value, "value", Limits.Lists.codeBytes)
        try bounded(detail, "detail", Limits.Lists.detailBytes)
        try basisIsSaid(basis)
    }
}

extension WireAppeal {
    func check() throws(BodyFailure) {
        try require(action.count == 32, "an appeal names an action")
        try bounded(text, "text", Limits.Text.commentBytes)
        try require(!text.isEmpty, "an appeal says why")
    }
}

extension WireAppealAnswer {
    func check() throws(BodyFailure) {
        try require(appeal.count == 32, "an answer names an appeal")
        try require(outcome == .rejected || outcome == .upheld, "an answer rejects or upholds")
        try bounded(text, "text", Limits.Text.commentBytes)
    }
}

extension WirePurge {
    func check() throws(BodyFailure) {
        try listSlug(list)
        try require(
            (1...Limits.Lists.purgeSubjects).contains(subjects.count),
            "a purge names 1 to \(Limits.Lists.purgeSubjects) subjects")
        for subject in subjects { try subject.check(onList: true) }
        try require(
            !subjects.contains { $0.kind == .picture || $0.kind.isText },
            "what a picture looks like, domains and phrases are no reason to delete")
        try code(reason, "reason", Limits.Lists.codeBytes)
        try bounded(caseNumber, "case number", Limits.Lists.caseBytes)
    }
}

extension WireTransparencyHead {
    func check(slot: String) throws(BodyFailure) {
        try require(root.count == 32, "a root has 32 bytes")
        try require(time > 0 && time < Limits.Post.timeEnd, "the time is out of range")
        let parts = slot.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        try require(
            parts == [4, 2, 2] && slot.utf8.allSatisfy { $0 == 0x2d || (0x30...0x39).contains($0) },
            "the slot of a head is the day: 2026-11-26")
    }
}

private func require(_ isTrue: Bool, _ what: @autoclosure () -> String) throws(BodyFailure) {
    if !isTrue { throw BodyFailure(what: what()) }
}

private func bounded(_ value: String, _ label: String, _ limit: Int) throws(BodyFailure) {
    try require(value.utf8.count <= limit, "\(label): more than \(limit) bytes")
}

private func listSlug(_ slug: String) throws(BodyFailure) {
    try require(
        Slug.isValid(slug) && slug.utf8.count <= Limits.Lists.slugBytes,
        "a list's slug has 1 to \(Limits.Lists.slugBytes) of a-z 0-9 - _ .")
}

/// Words that programs compare: lower-case letters, digits and dashes.
private func code(_ value: String, _ label: String, _ limit: Int, isOptional: Bool = false) throws(BodyFailure) {
    let isWord = value.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    try require(
        isWord && value.utf8.count <= limit && (isOptional || !value.isEmpty),
        "\(label): 1 to \(limit) of a-z, 0-9 and -")
}

private func basisIsSaid(_ basis: WireBasis) throws(BodyFailure) {
    switch basis {
    case .human, .auto, .imported: return
    case .unspecified, .UNRECOGNIZED: throw BodyFailure(what: "it is said on what an entry is based")
    }
}

extension String {
    fileprivate var isDomain: Bool {
        utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e
        } && !hasPrefix(".") && !hasSuffix(".") && !utf8.isEmpty
    }
}

extension Data {
    fileprivate var digits: String {
        let digits = Array("0123456789abcdef")
        return String(flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
