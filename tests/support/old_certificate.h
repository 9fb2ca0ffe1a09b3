// A key of nobody, and certificates for it that it signed itself: one ended in 2011, one begins in
// 2055.
#pragma once

namespace p2c2r::test {

inline constexpr char kOldKeyPem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIBiarKPEHaGRmv7wE6byB7Svy4hzFqc5klu4a3jnT5vi\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr char kOldCertificatePem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBHjCB0aADAgECAhBw1Fvg78ApXeoNRuEm4JnbMAUGAytlcDAWMRQwEgYDVQQD\n"
    "DAtvbGQgbWFjaGluZTAeFw0wMTA5MDcwMTQ2NDBaFw0xMTA5MDkwMTQ2NDBaMBYx\n"
    "FDASBgNVBAMMC29sZCBtYWNoaW5lMCowBQYDK2VwAyEAmnZ+fzggL5VxLXao9SOX\n"
    "y/NohzngaDqyjw1NImgKtKejNTAzMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQD\n"
    "AgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMAUGAytlcANBAPQB+Xq4dEGj3l2BIA0A\n"
    "cgQx5eHhl4FpeMou9zE9m+Ax60zVSPCZ5HFRnGjSZ7RiZyE/g2rcbgtzfpmRKvFg\n"
    "tQg=\n"
    "-----END CERTIFICATE-----\n";

inline constexpr char kEarlyCertificatePem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBNjCB6aADAgECAgEBMAUGAytlcDAYMRYwFAYDVQQDDA1lYXJseSBtYWNoaW5l\n"
    "MCIYDzIwNTUwMzAxMDAwMDAwWhgPMjA2NTAzMDEwMDAwMDBaMBgxFjAUBgNVBAMM\n"
    "DWVhcmx5IG1hY2hpbmUwKjAFBgMrZXADIQCadn5/OCAvlXEtdqj1I5fL82iHOeBo\n"
    "OrKPDU0iaAq0p6NUMFIwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYD\n"
    "VR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFD0GU/MTF0CHfPzEAnKJjL14AcZ6\n"
    "MAUGAytlcANBAHoTd6F4zvvda7MoiWUDqbdOoIDYun2SLzTlbIw5MaYsX8+FgzdF\n"
    "7388g2sL29zrQUYDxC55b6cRxGEc0msqegQ=\n"
    "-----END CERTIFICATE-----\n";

}  // namespace p2c2r::test
