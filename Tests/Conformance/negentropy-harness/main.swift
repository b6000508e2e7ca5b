import Foundation

// The line protocol of the test harness of `hoytech/negentropy`, so that this implementation of Negentropy can be run
// against any other that has one.
//
// In: `item,CREATED,ID`… then `seal`, then `initiate` or `msg,HEX`. Out: `msg,HEX`, and from the side that initiated also
// `have,ID`, `need,ID` and `done`. `FRAMESIZELIMIT` in the environment is the most bytes of a message from here; nothing
// or 0 for no limit. Anything else on the input ends the process with status 1 and a word on standard error.

do {
    var harness = Harness(frameLimit: Int(ProcessInfo.processInfo.environment["FRAMESIZELIMIT"] ?? "") ?? 0)
    while let line = readLine() {
        guard !line.isEmpty else { continue }
        let answers = try harness.answer(line)
        if !answers.isEmpty {
            try FileHandle.standardOutput.write(contentsOf: Data((answers.joined(separator: "\n") + "\n").utf8))
        }
    }
} catch {
    FileHandle.standardError.write(Data("negentropy-harness: \(error)\n".utf8))
    exit(1)
}
