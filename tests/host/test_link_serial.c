// SPDX-License-Identifier: Apache-2.0
/* Links by libserialport, on pseudo-terminals that serial_shim.c makes look like serial ports. */
#include "host/terminal.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

#include "protocol.h"
#include "target/link_kinds.h"

static struct link *open_serial(const struct terminal *terminal, int baud_hz)
{
    struct link *link = NULL;
    struct error err;
    bool refused = true;
    check_ok(link_serial_open(terminal->name, terminal->name, baud_hz, &refused, &link, &err),
             &err);
    assert_false(refused);
    assert_string_equal(link->name, terminal->name);
    return link;
}

static struct termios2 settings_of(const struct terminal *terminal)
{
    struct termios2 settings;
    assert_int_equal(ioctl(terminal->master, TCGETS2, &settings), 0);
    return settings;
}

static void a_port_carries_all_bytes(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_serial(&terminal, PROTO_BAUD_HZ);
    check_carries_all_bytes(link, terminal.master);
    link_close(link);
    close(terminal.master);
}

static void ports_are_eight_bits_without_parity_and_flow_control(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_serial(&terminal, 115200);
    const struct termios2 settings = settings_of(&terminal);
    assert_int_equal(settings.c_cflag & CSIZE, CS8);
    assert_int_equal(settings.c_cflag & (PARENB | CSTOPB | CRTSCTS), 0);
    assert_int_equal(settings.c_iflag & (IXON | IXOFF | ICRNL | ISTRIP), 0);
    assert_int_equal(settings.c_oflag & OPOST, 0);
    assert_int_equal(settings.c_lflag & (ECHO | ICANON | ISIG), 0);
    link_close(link);
    close(terminal.master);
}

static void usual_odd_and_high_baud_rates_are_set(void **state)
{
    static const int rates[] = {9600, 115200, 921600, 250000, 1234567, 3000000};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct terminal terminal;
        terminal_open(&terminal);
        struct link *link = open_serial(&terminal, rates[i]);
        assert_int_equal(settings_of(&terminal).c_ospeed, rates[i]);
        assert_int_equal(settings_of(&terminal).c_ispeed, rates[i]);
        check_carries_all_bytes(link, terminal.master);
        link_close(link);
        close(terminal.master);
    }
}

static void link_open_takes_the_rate_from_the_name(void **state)
{
    struct terminal terminal;
    char target[96];
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_link(terminal.name);
    assert_int_equal(settings_of(&terminal).c_ospeed, PROTO_BAUD_HZ);
    link_close(link);
    snprintf(target, sizeof target, "%s:57600", terminal.name);
    link = open_link(target);
    assert_int_equal(settings_of(&terminal).c_ospeed, 57600);
    link_close(link);
    close(terminal.master);
}

static void bytes_from_before_the_opening_are_dropped(void **state)
{
    struct terminal terminal;
    uint8_t in[8];
    size_t got = 1;
    struct error err;
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_serial(&terminal, 115200); /* so that the line is raw */
    const int held = open(terminal.name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    link_close(link);
    assert_int_equal(write(terminal.master, "old", 3), 3);
    link = open_serial(&terminal, 115200);
    check_ok(link->ops->read(link, in, sizeof in, 20, &got, &err), &err);
    assert_int_equal(got, 0);
    check_carries_all_bytes(link, terminal.master);
    link_close(link);
    close(held);
    close(terminal.master);
}

static void a_port_in_use_is_busy(void **state)
{
    struct terminal terminal;
    char want[200];
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_serial(&terminal, 115200);
    snprintf(want, sizeof want,
             "%s: busy: another program uses this port; end it or choose another port",
             terminal.name);
    check_open_fails(terminal.name, STATUS_LINK, want);
    link_close(link);
    link_close(open_serial(&terminal, 115200));
    close(terminal.master);
}

static void an_unplugged_port_is_told_at_once(void **state)
{
    static const uint8_t byte = 1;
    struct terminal terminal;
    uint8_t in[8];
    char want[200];
    size_t got = 1;
    struct error err;
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_serial(&terminal, 115200);
    close(terminal.master);
    snprintf(want, sizeof want, "%s: the port is gone (unplugged?); plug it in and start again",
             terminal.name);
    check_failed(link->ops->read(link, in, sizeof in, TERMINAL_WAIT_MS, &got, &err), STATUS_LINK,
                 &err, want);
    assert_int_equal(got, 0);
    check_failed(link->ops->write(link, &byte, 1, &err), STATUS_LINK, &err, want);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_carries_all_bytes),
        cmocka_unit_test(ports_are_eight_bits_without_parity_and_flow_control),
        cmocka_unit_test(usual_odd_and_high_baud_rates_are_set),
        cmocka_unit_test(link_open_takes_the_rate_from_the_name),
        cmocka_unit_test(bytes_from_before_the_opening_are_dropped),
        cmocka_unit_test(a_port_in_use_is_busy),
        cmocka_unit_test(an_unplugged_port_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
