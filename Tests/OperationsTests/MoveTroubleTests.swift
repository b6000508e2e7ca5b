import Federation
import Testing

@testable import Operations

@Suite("What is wrong with the address of an old home")
struct MoveTroubleTests {
    @Test("who types names learns nothing of this node's network: whatever is not public has one answer")
    func one() throws {
        let address = try #require(IPAddress("10.1.2.3"))
        let errors: [DialError] = [
            .unresolved(host: "hive", reason: "Name or service not known"), .noAddress(host: "hive"),
            .tooManyAddresses(host: "hive"), .notPublic(host: "hive", address, AddressPolicy.kind(of: address)),
        ]
        let answers = errors.map { MoveTrouble($0) }
        #expect(Set(answers.map(\.reason.message)).count == 1)
        #expect(answers.allSatisfy { $0.part == .from && $0.reason.code == .network })
        #expect(answers[0].reason.message.contains("hive has no public address"))
    }
}
