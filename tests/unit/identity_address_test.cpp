// Address prefixes: what they hold, how they are written, and what is none.
#include <doctest/doctest.h>

#include <string>

#include "identity/address_rule.h"

using namespace p2c2r::identity;

TEST_CASE("addresses: prefixes are read and written in one form") {
    struct Row {
        const char* from;
        const char* to;
    };
    for (const Row& row :
         {Row{"192.0.2.7/24", "192.0.2.0/24"}, Row{"192.0.2.7", "192.0.2.7"},
          Row{"192.0.2.7/32", "192.0.2.7"}, Row{"0.0.0.0/0", "0.0.0.0/0"},
          Row{"10.255.7.1/9", "10.128.0.0/9"}, Row{"2001:DB8:1:2::9/48", "2001:db8:1::/48"},
          Row{"2001:db8::", "2001:db8::"}, Row{"::/0", "::/0"}, Row{"::1", "0:0:0:0:0:0:0:1"},
          Row{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"}, Row{"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"},
          Row{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"}, Row{"::ffff:192.0.2.7/24", "192.0.2.0/24"},
          Row{"64:ff9b::192.0.2.1", "64:ff9b:0:0:0:0:c000:201"}}) {
        CAPTURE(row.from);
        const std::optional<AddressPrefix> prefix = AddressPrefix::read(row.from);
        REQUIRE(prefix);
        CHECK(prefix->text() == row.to);
        CHECK(AddressPrefix::read(prefix->text())->text() == row.to);
    }
}

TEST_CASE("addresses: what is no prefix is none") {
    for (const char* text : {"",
                             "/",
                             "192.0.2",
                             "192.0.2.1.5",
                             "192.0.2.256",
                             "192.0.2.-1",
                             "192.0.2.1/33",
                             "192.0.2.1/",
                             "192.0.2.1/+8",
                             "192.0.2.1/8/8",
                             " 192.0.2.1",
                             "192..2.1",
                             "192.0.2.1.",
                             "1:2:3:4:5:6:7",
                             "1:2:3:4:5:6:7:8:9",
                             "1:2:3:4:5:6:7:8::",
                             "::1::",
                             ":::",
                             ":",
                             "1:",
                             ":1",
                             "12345::",
                             "g::",
                             "::1.2.3",
                             "1:2:3:4:5:6:7:1.2.3.4",
                             "1.2.3.4::",
                             "::/129",
                             "2001:db8::/-1",
                             "fe80::1%eth0",
                             "localhost",
                             "[::1]"}) {
        CAPTURE(text);
        CHECK_FALSE(AddressPrefix::read(text));
    }
}

TEST_CASE("addresses: a prefix holds what begins like it and nothing of the other kind") {
    const AddressPrefix four = *AddressPrefix::read("192.0.2.0/23");
    CHECK(four.contains("192.0.2.1:80"));
    CHECK(four.contains("192.0.3.255"));
    CHECK(four.contains("[::ffff:192.0.2.9]:80"));
    CHECK_FALSE(four.contains("192.0.4.1"));
    CHECK_FALSE(four.contains("[2001:db8::1]:80"));
    CHECK_FALSE(four.contains("this process"));
    CHECK_FALSE(AddressPrefix::read("0.0.0.0/0")->contains("[::1]:1"));
    CHECK_FALSE(AddressPrefix::read("::/0")->contains("192.0.2.1:1"));
    const AddressPrefix six = *AddressPrefix::read("2001:db8:1::/48");
    CHECK(six.contains("[2001:db8:1:ffff::9]:80"));
    CHECK(six.contains("2001:db8:1::"));
    CHECK(six.contains("[2001:db8:1::7%eth0]:80"));
    CHECK_FALSE(six.contains("[2001:db8:2::9]:80"));
    CHECK(AddressPrefix::around("127.0.0.1:9", 24, 48)->text() == "127.0.0.0/24");
    CHECK(AddressPrefix::around("[::1]:9", 24, 48)->text() == "::/48");
    CHECK_FALSE(AddressPrefix::around("this process", 24, 48));
}

TEST_CASE("addresses: a rule says first or any or prefixes") {
    CHECK(AddressRule().text() == "first");
    CHECK(AddressRule::read("first")->is_first());
    CHECK(AddressRule::read("any")->allows("anything"));
    CHECK_FALSE(AddressRule::read("any")->is_first());
    const AddressRule rule = *AddressRule::read("192.0.2.0/24,2001:db8::/48");
    CHECK(rule.text() == "192.0.2.0/24,2001:db8::/48");
    CHECK(rule.allows("192.0.2.9:1"));
    CHECK(rule.allows("[2001:db8::9]:1"));
    CHECK_FALSE(rule.allows("192.0.3.9:1"));
    for (const char* text : {"", ",", "any,192.0.2.0/24", "192.0.2.0/24,", "First", "none"}) {
        CAPTURE(text);
        CHECK_FALSE(AddressRule::read(text));
    }
    std::string many = "10.0.0.0/24";
    for (int i = 1; i < 16; ++i) many += ",10.0." + std::to_string(i) + ".0/24";
    CHECK(AddressRule::read(many)->text() == many);
    CHECK_FALSE(AddressRule::read(many + ",10.1.0.0/24"));
}
