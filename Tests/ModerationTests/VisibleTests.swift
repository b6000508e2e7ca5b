import Moderation
import Testing

@Suite("The gate")
struct VisibleTests {
    static let viewers: [Viewer] = [
        .anonymous, Viewer(.member(mask: 1)), Viewer(.member(mask: 7)), Viewer(.member(mask: 63)),
        Viewer(.member(mask: 0)), Viewer(.member(mask: 31), blurFrom: .r), .peer, .owner,
    ]

    @Test("a visitor sees PG and nothing else")
    func anonymous() {
        for level in Level.allCases {
            let answer = Moderation.visible(.anonymous, SubjectFacts(level: level), ceiling: .xxx)
            #expect(answer == (level == .pg ? .show : .hide), "\(level)")
        }
    }

    @Test("nobody but the operator sees anything above the ceiling, not even its owner", arguments: viewers)
    func ceiling(viewer: Viewer) {
        for ceiling in Level.allCases {
            for level in Level.allCases where level > ceiling {
                for isOwned in [false, true] {
                    let facts = SubjectFacts(level: level, isOwnedByViewer: isOwned)
                    #expect(
                        Moderation.visible(viewer, facts, ceiling: ceiling) == (viewer == .owner ? .show : .hide))
                }
            }
        }
    }

    @Test("the gate and the filter of queries agree on every level", arguments: viewers)
    func agreement(viewer: Viewer) {
        for ceiling in Level.allCases {
            let filter = viewer.filter(ceiling: ceiling)
            for level in Level.allCases {
                let answer = Moderation.visible(viewer, SubjectFacts(level: level), ceiling: ceiling)
                #expect(filter.contains(level) == (answer != .hide))
                let hidden = SubjectFacts(level: level, isHidden: true)
                #expect(filter.seesHidden == (Moderation.visible(viewer, hidden, ceiling: ceiling) == .show))
            }
        }
    }

    @Test("what was purged is gone for everyone, with its case number", arguments: viewers)
    func gone(viewer: Viewer) {
        let facts = SubjectFacts(level: .pg, purgeCase: "P-7", isOwnedByViewer: true)
        #expect(Moderation.visible(viewer, facts, ceiling: .xxx) == .gone(case: "P-7"))
    }

    @Test("a blob that no visible post shows is hidden from all but its owner and the operator")
    func unreferenced() {
        var facts = SubjectFacts(level: .pg, isReferencedByVisiblePost: false)
        for viewer in Self.viewers {
            #expect(Moderation.visible(viewer, facts, ceiling: .xxx) == (viewer == .owner ? .show : .hide))
        }
        facts.isOwnedByViewer = true
        #expect(Moderation.visible(.anonymous, facts, ceiling: .xxx) == .show)
    }

    @Test("a member who asked for it sees a blur from their level on, and never above their mask")
    func blur() {
        let viewer = Viewer(.member(mask: 7), blurFrom: .pg13)
        let answers = Level.allCases.map { Moderation.visible(viewer, SubjectFacts(level: $0), ceiling: .xxx) }
        #expect(answers == [.show, .blur, .blur, .hide, .hide, .hide])
    }

    @Test("levels are read in any spelling, and what an author leaves out counts as XXX")
    func words() {
        for level in Level.allCases {
            #expect(Level(word: level.word.lowercased()) == level)
            #expect(Level(declared: level.rawValue) == level)
        }
        #expect(Level(word: "pg13") == .pg13)
        #expect(Level(word: "mild") == nil)
        for undeclared in [0, 3, 64, UInt32.max] as [UInt32] { #expect(Level(declared: undeclared) == .xxx) }
        #expect(Level.r.upTo == 7)
    }
}
