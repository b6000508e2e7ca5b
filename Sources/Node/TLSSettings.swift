import Gateway
import NIOSSL
import Operations
import SystemPackage

extension Settings {
    /// What the node answers HTTPS with; nil when it is to speak plain HTTP.
    ///
    /// - Throws: `usage` when only one of certificate and key is named, or they cannot be used.
    func tlsIdentity(_ home: Home) throws(OperationError) -> TLSIdentity? {
        switch (path("tls.certificate", home), path("tls.key", home)) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            do throws(TLSError) {
                return try TLSIdentity(certificate: certificate.string, key: key.string)
            } catch {
                throw OperationError(.usage, "tls: \(error.message)")
            }
        case (nil, _):
            throw OperationError(.usage, "tls.key needs tls.certificate beside it, the chain that belongs to it")
        case (_, nil):
            throw OperationError(.usage, "tls.certificate needs tls.key beside it, the key that belongs to it")
        }
    }

    /// Whom the node believes that another node is who its URL says: the system's authorities, and those of the setting.
    func tlsClient(_ home: Home) throws(OperationError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        guard let path = path("tls.authorities", home) else { return configuration }
        do {
            configuration.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(path.string))]
        } catch {
            throw OperationError(.usage, "tls.authorities: \(path) has no certificate in PEM form (\(error))")
        }
        return configuration
    }

    /// A relative path counts from the home, where `waggle.toml` is.
    private func path(_ name: String, _ home: Home) -> FilePath? {
        self[name].isEmpty ? nil : home.root.pushing(FilePath(self[name]))
    }
}
