import FoundationEssentials
import Glibc
import Logging
import NIOCore
import NIOPosix
import Operations
import ServiceLifecycle

/// Answers operations over the home's Unix socket while a server runs.
struct ControlServer: Service {
    let home: Home
    let context: @Sendable () async -> OperationContext
    let logger: Logger

    func run() async throws {
        let path = ControlSocket.path(of: home)
        unlink(path)
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).bind(
            unixDomainSocketPath: path
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        chmod(path, 0o600)
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                try await server.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask { await answer(connection) }
                    }
                }
            }
        } onGracefulShutdown: {
            server.channel.close(promise: nil)
        }
        unlink(path)
    }

    private func answer(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        do {
            try await connection.executeThenClose { inbound, outbound in
                guard await ControlSocket.isOwner(connection.channel) else { return }
                var frames = ControlFrames()
                for try await chunk in inbound {
                    frames.append(chunk)
                    while let request = try frames.next(ControlRequest.self) {
                        let reply = await run(request, outbound)
                        try await outbound.write(try ControlFrames.encode(reply))
                    }
                }
            }
        } catch {
            logger.debug("a control connection ended", metadata: ["why": "\(error)"])
        }
    }

    private func run(
        _ request: ControlRequest, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async -> ControlReply {
        guard let entry = OperationTable.entries[request.operation] else {
            return .error(
                OperationError(
                    .usage, "the running server does not know \"\(request.operation)\"; restart it with this version"))
        }
        // Progress goes through a stream of its own, newest only: a slow terminal must not slow the work.
        let (steps, report) = AsyncStream.makeStream(of: Progress.self, bufferingPolicy: .bufferingNewest(1))
        let context = await context().reporting { report.yield($0) }
        async let told: Void = {
            for await step in steps {
                guard let frame = try? ControlFrames.encode(ControlReply.progress(step)) else { return }
                try? await outbound.write(frame)
            }
        }()
        let reply: ControlReply
        do throws(OperationError) {
            reply = .reply(try await entry.run(request.request, context))
        } catch {
            reply = .error(error)
        }
        report.finish()
        await told
        return reply
    }
}
