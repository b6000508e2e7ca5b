import Digests
import Testing
import WaggleProtocol

@testable import Federation

private func node(_ number: Int) -> Hash32 { SHA256.hash(Array("node \(number)".utf8)) }
private func post(_ number: Int) -> Hash32 { SHA256.hash(Array("post \(number)".utf8)) }

@Suite("Gossip")
struct GossipTests {
    private static func joined(_ count: Int, canAsk: Bool = true) -> Gossip {
        var gossip = Gossip(random: SplitMix(seed: 1))
        for peer in 0..<count { _ = gossip.handle(.joined(node(peer), canAsk: canAsk), now: .zero) }
        return gossip
    }

    @Test("a post of this node goes whole to every peer, one of somebody else whole to four, by name to the rest")
    func eager() {
        var gossip = Self.joined(7)
        let own = (0..<7).map { gossip.delivery(of: post(1), to: node($0), now: .zero) }
        #expect(own.allSatisfy { $0 == .whole })
        _ = gossip.handle(.received([post(2)], from: node(6)), now: .zero)
        _ = gossip.handle(.judged(post(2), from: node(6), .first), now: .zero)
        let ways = (0..<7).map { gossip.delivery(of: post(2), to: node($0), now: .zero) }
        #expect(ways.filter { $0 == .whole }.count == Limits.Gossip.eagerPeers)
        #expect(ways[6] == .nothing, "the peer that brought it has it")
        #expect(ways.filter { $0 == .name }.count == 2)
    }

    @Test("a peer that is at it has time, and one that is slow once is not blamed for each post")
    func slow() {
        var gossip = Self.joined(1)
        let ids = (0..<100).map(post)
        #expect(gossip.offered(ids, by: node(0), now: .zero).count == 100)
        _ = gossip.handle(.received([ids[0]], from: node(0)), now: .milliseconds(1500))
        #expect(gossip.handle(.tick, now: .milliseconds(2600)).isEmpty, "something came a moment ago")
        let blame = gossip.handle(.tick, now: .milliseconds(4000))
        #expect(blame == Array(repeating: .score(node(0), .notDelivered), count: Limits.Gossip.notDeliveredAtOnce))
        #expect(gossip.pullCount == 0)
    }

    @Test("nothing goes twice to a peer, nor to one that is known to have it")
    func once() {
        var gossip = Self.joined(2)
        #expect(gossip.delivery(of: post(1), to: node(0), now: .zero) == .whole)
        #expect(gossip.delivery(of: post(1), to: node(0), now: .zero) == .nothing)
        #expect(gossip.offered([post(2)], by: node(1), now: .zero) == [post(2)])
        _ = gossip.handle(.judged(post(2), from: node(1), .first), now: .zero)
        #expect(gossip.delivery(of: post(2), to: node(1), now: .zero) == .nothing)
        #expect(gossip.delivery(of: post(2), to: node(0), now: .zero) == .whole)
        #expect(!gossip.lacks(post(2), node(1)))
    }

    @Test("what was sent on a connection that broke is named when the peer comes back, what it said to have is not")
    func broken() {
        var gossip = Self.joined(1, canAsk: false)
        gossip.sends(post(1), to: node(0), now: .zero)
        gossip.named(post(2), by: node(0), .zero)
        _ = gossip.handle(.left(node(0), canAsk: false), now: .zero)
        _ = gossip.handle(.joined(node(0), canAsk: false), now: .zero)
        #expect(gossip.delivery(of: post(1), to: node(0), isBacklog: true, now: .zero) == .name)
        #expect(gossip.delivery(of: post(2), to: node(0), isBacklog: true, now: .zero) == .nothing)
        #expect(gossip.delivery(of: post(1), to: node(0), now: .zero) == .nothing)
    }

    @Test("what came into force before a peer listened goes by name")
    func backlog() {
        var gossip = Self.joined(1)
        #expect(gossip.delivery(of: post(1), to: node(0), isBacklog: true, now: .zero) == .name)
    }

    @Test("a peer that twice had it already becomes lazy, and eager again when it asks for what it was offered")
    func tree() {
        var gossip = Self.joined(1)
        for number in 0..<2 {
            gossip.sends(post(number), to: node(0), now: .zero)
            _ = gossip.handle(.answered(post(number), by: node(0), .repeated), now: .zero)
        }
        #expect(gossip.eagerPeers.isEmpty)
        _ = gossip.handle(.requested([post(5)], by: node(0)), now: .zero)
        #expect(gossip.eagerPeers == [node(0)])
        // A peer that names what it was sent whole got it elsewhere first.
        for number in 10..<12 {
            gossip.sends(post(number), to: node(0), now: .zero)
            gossip.named(post(number), by: node(0), .zero)
        }
        #expect(gossip.eagerPeers.isEmpty)
    }

    @Test("the receiver of a copy that was here tells the sender so")
    func crossing() {
        var gossip = Self.joined(2)
        _ = gossip.handle(.received([post(1)], from: node(0)), now: .zero)
        _ = gossip.handle(.judged(post(1), from: node(0), .first), now: .zero)
        let effects = gossip.handle(.received([post(1)], from: node(1)), now: .zero)
        #expect(effects == [.name([post(1)], to: node(1))])
    }

    @Test("a post is asked of one peer, and of the next when that one does not give it in time")
    func pulls() {
        var gossip = Self.joined(3)
        #expect(gossip.offered([post(1)], by: node(0), now: .zero) == [post(1)])
        #expect(gossip.offered([post(1)], by: node(1), now: .zero).isEmpty)
        #expect(gossip.offered([post(1)], by: node(2), now: .zero).isEmpty)
        #expect(gossip.handle(.tick, now: .seconds(1)).isEmpty)
        #expect(
            gossip.handle(.tick, now: .seconds(3)) == [.score(node(0), .notDelivered), .pull([post(1)], from: node(1))])
        #expect(
            gossip.handle(.delivered(missing: [post(1)], from: node(1)), now: .seconds(3))
                == [.score(node(1), .notDelivered), .pull([post(1)], from: node(2))])
        _ = gossip.handle(.received([post(1)], from: node(2)), now: .seconds(3))
        _ = gossip.handle(.judged(post(1), from: node(2), .first), now: .seconds(3))
        #expect(gossip.pullCount == 0)
        #expect(gossip.offered([post(1)], by: node(0), now: .seconds(4)).isEmpty)
    }

    @Test("a copy with a bad signature does not stand for the post")
    func forged() {
        var gossip = Self.joined(2)
        _ = gossip.handle(.received([post(1)], from: node(0)), now: .zero)
        #expect(
            gossip.handle(.judged(post(1), from: node(0), .invalid), now: .zero) == [.score(node(0), .invalid)])
        #expect(gossip.unsettled([post(1)]) == [post(1)])
        #expect(gossip.offered([post(1)], by: node(1), now: .zero) == [post(1)])
    }

    @Test("what one peer names, and all together, is asked for within limits")
    func limits() {
        var gossip = Self.joined(20)
        let many = (0..<Limits.Gossip.pullsPerPeer + 10).map(post)
        #expect(gossip.offered(many, by: node(0), now: .zero).count == Limits.Gossip.pullsPerPeer)
    }

    @Test("once a minute one peer is reconciled with, once a day each with everything")
    func reconciles() {
        var gossip = Self.joined(3)
        var windows: [Hash32] = []
        var wholes: [Hash32] = []
        for second in 0..<86_500 {
            for effect in gossip.handle(.tick, now: .seconds(second)) {
                if case .reconcileWindow(let peer) = effect { windows.append(peer) }
                if case .reconcileAll(let peer) = effect { wholes.append(peer) }
            }
        }
        #expect((1435...1445).contains(windows.count))
        #expect(Set(windows).count == 3)
        #expect(wholes.count == 3 && Set(wholes).count == 3)
    }

    @Test("a peer that comes back is remembered; the place of one that is gone goes to another without its memories")
    func places() {
        var gossip = Gossip(random: SplitMix(seed: 1))
        for peer in 0..<Limits.Gossip.links {
            _ = gossip.handle(.joined(node(peer), canAsk: false), now: .seconds(peer))
            gossip.sends(post(peer), to: node(peer), now: .seconds(peer))
        }
        _ = gossip.handle(.left(node(5), canAsk: false), now: .seconds(500))
        _ = gossip.handle(.joined(node(5), canAsk: false), now: .seconds(501))
        #expect(!gossip.lacks(post(5), node(5)))
        _ = gossip.handle(.left(node(5), canAsk: false), now: .seconds(502))
        _ = gossip.handle(.joined(node(1000), canAsk: false), now: .seconds(503))
        #expect(gossip.lacks(post(5), node(1000)))
        #expect(gossip.peers.count == Limits.Gossip.links)
        _ = gossip.handle(.joined(node(1001), canAsk: false), now: .seconds(504))
        #expect(!gossip.peers.contains(node(1001)), "every place is taken")
        #expect(gossip.delivery(of: post(7), to: node(1001), now: .seconds(504)) == .nothing)
    }

    @Test("the seen cache stays within its capacity, and forgets after its time")
    func seen() {
        var cache = SeenCache(capacity: 100, lifetime: .seconds(600))
        for number in 0..<1000 {
            cache.update(post(number), now: .zero) { $0.isSettled = true }
            #expect(cache.count <= 100)
        }
        #expect(cache.entry(post(999)) != nil && cache.entry(post(955)) != nil)
        cache.update(post(2000), now: .seconds(601)) { _ in }
        #expect(cache.entry(post(999)) != nil, "one lifetime at least")
        cache.update(post(2001), now: .seconds(1202)) { _ in }
        #expect(cache.entry(post(999)) == nil)
    }
}

@Suite("How peers stand")
struct PeerScoreTests {
    @Test("broken signatures count squared: one is forgiven, eight are not")
    func invalid() {
        var score = PeerScore()
        #expect(score.note(.invalid, now: 0) == false)
        #expect(score.value(at: 0) == -1)
        #expect(score.note(.invalid, count: 7, now: 0) == true)
        #expect(score.isIgnored(at: 3599) && !score.isIgnored(at: 3600))
    }

    @Test("ignored again, it is ignored twice as long, a day at most")
    func doubling() {
        var score = PeerScore()
        var now: UInt64 = 0
        var hours: [UInt64] = []
        for _ in 0..<7 {
            #expect(score.note(.invalid, count: 8, now: now) == true)
            hours.append((score.ignoredUntil - now) / 3600)
            now = score.ignoredUntil
        }
        #expect(hours == [1, 2, 4, 8, 16, 24, 24])
    }

    @Test("tastes that differ never lead to being ignored; what fades is half after half an hour")
    func fading() {
        var score = PeerScore()
        #expect(score.note(.unwanted, count: 100_000, now: 0) == false)
        #expect(score.value(at: 0) == -20)
        #expect(score.value(at: 1800) == -10)
        #expect(score.value(at: 1 << 40) == 0)
        _ = score.note(.firstDelivery, count: 1000, now: 0)
        #expect(score.value(at: 0) == 30)
    }

    @Test("the book holds so many nodes, and forgets those that are ignored last")
    func book() {
        var book = PeerBook()
        book.note(.invalid, by: node(0), now: 1)
        for _ in 0..<8 { book.note(.invalid, by: node(0), now: 1) }
        #expect(book.isIgnored(node(0), at: 2))
        for number in 1...3 * Limits.Peers.table {
            book.countIn(1, copies: 1, from: node(number), now: UInt64(2 + number / 100))
            #expect(book.records.count <= Limits.Peers.table)
        }
        #expect(book.isIgnored(node(0), at: 2))
    }
}

@Suite("Room for posts")
struct PostRoomTests {
    private func admitted(_ count: Int, _ room: inout PostRoom, author: Int?, isKnown: Bool, now: UInt64) -> Int {
        (0..<count).count { number in
            let name = node(author ?? 100_000 + number + Int(now) * 1_000_000)
            return room.postpone(author: name, isKnown: isKnown, isTrusted: false, now: now) == nil
        }
    }

    @Test("a stranger has ten posts an hour, somebody known sixty and thirty at once on top")
    func authors() {
        var room = PostRoom()
        #expect(admitted(50, &room, author: 1, isKnown: false, now: 0) == 10)
        #expect(admitted(50, &room, author: 1, isKnown: false, now: 3600) == 10)
        #expect(admitted(200, &room, author: 2, isKnown: true, now: 0) == 90)
        #expect(admitted(200, &room, author: 2, isKnown: true, now: 3600) == 60)
    }

    @Test("who stole a device key and floods with it does not keep out the revocation")
    func keysApart() {
        var room = PostRoom()
        for isKnown in [true, false] {
            let author = node(isKnown ? 1 : 2)
            func take(_ isByRoots: Bool) -> Bool {
                room.postpone(author: author, isKnown: isKnown, isByRoots: isByRoots, isTrusted: false, now: 0) == nil
            }
            var count = 0
            while take(false) { count += 1 }
            #expect(count > 0 && take(true) && !take(false))
        }
    }

    @Test("a million fresh keys have the room of twenty posts a second together, and take no memory beyond the limit")
    func flood() {
        var room = PostRoom()
        let seconds = 100
        let taken = (0..<seconds).map { admitted(1000, &room, author: nil, isKnown: false, now: UInt64($0)) }.reduce(
            0, +)
        let burst = Limits.Room.strangersPostsPerSecond * Limits.Room.peerBurstSeconds
        #expect(taken <= Limits.Room.strangersPostsPerSecond * seconds + burst)
        #expect(room.rememberedAuthors <= Limits.Room.rememberedAuthors)
        #expect(admitted(1, &room, author: 7, isKnown: true, now: UInt64(seconds)) == 1, "who is known is not held up")
    }

    @Test("a post that a flood keeps out costs its author nothing")
    func innocent() {
        var room = PostRoom()
        _ = admitted(10_000, &room, author: nil, isKnown: false, now: 0)
        for _ in 0..<20 { #expect(admitted(1, &room, author: 3, isKnown: false, now: 0) == 0) }
        #expect(admitted(20, &room, author: 3, isKnown: false, now: 100) == 10)
    }

    @Test("a peer has its posts and bytes a second; of one that the operator named only the bytes count")
    func peers() {
        var room = PostRoom()
        func take(_ peer: Int, _ bytes: Int, _ isTrusted: Bool) -> Int {
            (0..<10_000).count { _ in room.postpone(bytes: bytes, from: node(peer), isTrusted: isTrusted, now: 5) == nil
            }
        }
        #expect(take(1, 100, false) == Limits.Room.peerPostsPerSecond * Limits.Room.peerBurstSeconds)
        #expect(take(2, 100, true) == 10_000)
        #expect(take(3, 64 << 10, true) == (Limits.Room.peerBytesPerSecond * Limits.Room.peerBurstSeconds) / (64 << 10))
    }
}
