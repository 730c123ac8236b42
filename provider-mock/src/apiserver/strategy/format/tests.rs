use super::*;

const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

#[test]
fn labels_and_names() {
    assert!(dns1035_label("my-svc").is_empty());
    assert_eq!(
        dns1035_label("1svc"),
        [
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
          character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
          validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        ]
    );
    assert_eq!(dns1123_label("a.b"), ["must not contain dots"]);
    assert_eq!(
        dns1123_label("A"),
        [
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
          end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
          '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        ]
    );
    assert_eq!(dns1123_label(&"a".repeat(64)), ["must be no more than 63 bytes"]);
    assert!(dns1123_subdomain("a.b-c.1").is_empty());
    assert_eq!(
        dns1123_subdomain("a..b"),
        [
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
          start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
          '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ]
    );
}

#[test]
fn qualified_names() {
    for valid in ["a", "A_b.c-1", "example.com/MyName"] {
        assert!(qualified_name(valid).is_empty(), "{valid}");
    }
    assert_eq!(qualified_name(""), ["name part must be non-empty".to_owned(), NAME_PART.to_owned()]);
    assert_eq!(qualified_name("/a"), ["prefix part must be non-empty"]);
    assert_eq!(qualified_name("-a"), [NAME_PART]);
    let slashes = qualified_name("a/b/c");
    assert!(slashes[0].starts_with("a qualified name must consist of"), "{slashes:?}");
    assert!(
        slashes[0].ends_with("with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")
    );
}

#[test]
fn values_and_ports() {
    assert!(label_value("").is_empty());
    assert_eq!(label_value("a b").len(), 1);
    assert_eq!(port_number(0), ["must be between 1 and 65535, inclusive"]);
    assert!(port_number(65_535).is_empty());
    assert!(port_name("http-alt2").is_empty());
    assert_eq!(
        port_name("--"),
        [
            "must contain at least one letter (a-z)",
            "must not contain consecutive hyphens",
            "must not begin or end with a hyphen"
        ]
    );
    assert_eq!(port_name("a-very-long-port-name"), ["must be no more than 15 bytes"]);
    assert_eq!(config_key("..a"), ["must not start with '..'"]);
}

#[test]
fn addresses_and_ranges() {
    for valid in ["10.0.0.1", "010.0.0.1", "::1", "::ffff:10.0.0.1"] {
        assert!(ip(valid).is_empty(), "{valid}");
    }
    for invalid in ["", "10.0.0", "10.0.0.256", "fe80::1%eth0", "10.0.0.+1", "host"] {
        assert_eq!(ip(invalid), [IP_MESSAGE], "{invalid}");
    }
    for valid in ["10.0.0.0/8", "10.1.2.3/8", "2001:db8::/64", "0.0.0.0/0"] {
        assert!(cidr(valid).is_empty(), "{valid}");
    }
    for invalid in ["10.0.0.0", "10.0.0.0/33", "/8", "10.0.0.0/", "10.0.0.0/-1", "x/8"] {
        assert_eq!(cidr(invalid), [CIDR_MESSAGE], "{invalid}");
    }
}

#[test]
fn special_addresses() {
    assert!(special_ip("192.0.2.1").is_empty());
    assert_eq!(special_ip("0.0.0.0"), ["may not be unspecified (0.0.0.0)"]);
    assert_eq!(special_ip("127.0.0.9"), ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]);
    assert_eq!(special_ip("fe80::1"), ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]);
    assert_eq!(
        special_ip("224.0.0.1"),
        ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"]
    );
}
