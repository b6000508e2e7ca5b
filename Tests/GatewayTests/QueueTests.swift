import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("The queue of moderators")
struct QueueTests {
    @Test(
        "two hundred cases are told as one is: what each is about, where it is shown, and nothing of what is under lock"
    )
    func full() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let works = try await node.publishWorks("Clean", of: model)
        let comment = try await node.publish(by: node.maker) { post in
            post.comment.subject = model.model.id.data
            post.comment.text = "Words."
        }
        let owner = node.moderation.filter(for: .owner)
        let release = try #require(try await node.catalog.release(post: model.release.id, owner))
        let image = try #require(try await node.catalog.imagePost(post: model.picture.id, owner)?.images.first)
        let named: [(subject: ListSubject, title: String, page: String)] = [
            (.exact(.post(model.model.id)), "model Model Clean", "/models/\(release.modelID)"),
            (
                .exact(.post(model.release.id)), "release clean v1 Clean",
                "/models/\(release.modelID)?modelVersionId=\(release.id)"
            ),
            (.exact(.post(model.picture.id)), "images Picture of Clean", "/images/\(image.id)"),
            (.exact(.post(comment.id)), "a comment", ""),
            (.exact(.post(works.article.id)), "article Article Clean", ""),
            (.exact(.post(works.collection.id)), "collection Collection Clean", ""),
            (.exact(.blob(model.file)), "clean.safetensors", ""),
            (.exact(.blob(model.image)), "a file", ""),
            (.domain("spam.example"), "domain:spam.example", ""),
            (.exact(.post(SHA256.hash([1]))), "post:\(SHA256.hash([1]).hex)", ""),
        ]
        for (index, one) in named.enumerated() {
            _ = try await node.moderation.open(
                .report, [one.subject], CaseReport(reporter: "r\(index)", reason: "spam", at: TestNode.time, sealed: [])
            )
        }
        for number in named.count..<199 {
            let subject = ListSubject.exact(.post(SHA256.hash(Array("\(number)".utf8))))
            _ = try await node.moderation.open(
                .report, [subject], CaseReport(reporter: "r\(number)", reason: "spam", at: TestNode.time, sealed: []))
        }
        let locked = ListSubject.exact(.blob(SHA256.hash([9])))
        _ = try await node.moderation.open(
            .report, [locked], CaseReport(reporter: "x", reason: "minor-safety", at: TestNode.time, sealed: []))
        let queue = try await ShowQueue().perform(in: context)
        #expect(queue.cases.count == 200 && queue.counts.open == 200)
        let lines = Dictionary(uniqueKeysWithValues: queue.cases.map { ($0.number, $0) })
        for (index, one) in named.enumerated() {
            let line = try #require(lines["R-\(index + 1)"])
            #expect(line.subject == one.title && line.page == one.page, "\(one.subject.text)")
            #expect(try await ShowCase(number: line.number).perform(in: context).line.subject == line.subject)
        }
        #expect(lines["R-200"]?.subject == "(under lock)" && lines["R-200"]?.page == "")
        #expect(try await ListQueueNumbers().perform(in: context) == queue.cases.map(\.number))
        // What is deleted has no page, and what is hidden has one: moderators look at it.
        _ = try await HideCase(number: "R-1").perform(in: context)
        let after = try await ShowQueue().perform(in: context).cases.first { $0.number == "R-1" }
        #expect(after?.page == "/models/\(release.modelID)" && after?.subject == "model Model Clean")
    }
}
