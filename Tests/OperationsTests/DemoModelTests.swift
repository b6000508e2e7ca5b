import FoundationEssentials
import Testing

@testable import Operations

@Suite("The demo model")
struct DemoModelTests {
    @Test("every file that is published is in the folder of the examples")
    func files() {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().path + "/../../Examples/demo-model/"
        for shown in PublishDemoModel.shown {
            for name in [shown.file] + shown.pictures.map({ "pictures/\($0).png" }) {
                #expect(FileManager.default.fileExists(atPath: folder + name), "\(name)")
            }
        }
    }
}
