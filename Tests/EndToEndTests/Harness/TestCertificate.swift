/// A certificate of its own authority for this machine's loopback address. Its key is public, so it proves nothing to
/// anybody but these tests.
enum TestCertificate {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBoTCCAUegAwIBAgIUBa076Cz4jsc4RNTt/oiKaIWpv2cwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMV2FnZ2xlIHRlc3RzMCAXDTI2MTEyNTIyMTc1NFoYDzIxMjYx
        MTAxMjIxNzU0WjAXMRUwEwYDVQQDDAxXYWdnbGUgdGVzdHMwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAARI9oTIa9E8O16o+Xct72ZI1mIq8KxCO/iyOqFi0QjHgQVL
        IyOf8jDty9KGK1lgCXSr+WaK5D3/0MyIssVo1KoMo28wbTAdBgNVHQ4EFgQU545O
        fcFc+HuQf+STQ2yR7f6P7I0wHwYDVR0jBBgwFoAU545OfcFc+HuQf+STQ2yR7f6P
        7I0wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8w
        CgYIKoZIzj0EAwIDSAAwRQIhAPWXKTVtrJHc5XsdU0osWTGdCvUzgG23Ny09D/K9
        6a+rAiAJ0ElJw0wzQZPkieEvo3YbvHoG4Pg4fEDIosYKCgGWcw==
        -----END CERTIFICATE-----
        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7XaOGfFIsS0/jMBX
        VhaLSwYDFOsyMIQI+pMJfc8Fv/ChRANCAARI9oTIa9E8O16o+Xct72ZI1mIq8KxC
        O/iyOqFi0QjHgQVLIyOf8jDty9KGK1lgCXSr+WaK5D3/0MyIssVo1KoM
        -----END PRIVATE KEY-----
        """

    /// The key of nothing.
    static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbd1T6Ct7Xk6QOw+c
        MneQyn9Wdzq1t0Zw+URVKonPEV+hRANCAATbRsj6Tgmn7TqCMSMHn5jozbpjePBY
        JUeqmnxgYEcdeyAsWNNlJjXFm5peuctj0P0rihnSuZngql/3FRks0CYu
        -----END PRIVATE KEY-----
        """
}
