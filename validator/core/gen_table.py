"""Writes sm2_table.h, the comb table of the base point of sm2p256v1 (GB/T 32918.5).

Run `python validator/core/gen_table.py > validator/core/sm2_table.h`; the tests check that the file is what this makes.
Entry i of a block that starts at column c is 2^c (2^224 G +- 2^192 G ... +- G), with + at tooth k where bit k of i is
set, as x and y in the Montgomery domain (R = 2^256), in 64-bit words, least significant first.
"""

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
TEETH = 8
DISTANCE = 32
BLOCK_COLUMNS = (0, 16, 8, 24)  # fewer blocks are a prefix of the table
BLOCKS_NEEDED = (1, 2, 4, 4)  # YIMA_G_BLOCKS from which each block is there

Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    """The sum of two points that is not infinity."""
    rise, run = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times_power_of_two(point: Point, exponent: int) -> Point:
    """2^exponent times the point."""
    for _ in range(exponent):
        point = add(point, point)
    return point


def block(column: int) -> list[Point]:
    """The 2^(TEETH - 1) entries of the block that starts at a column."""
    teeth = [times_power_of_two(G, column)]
    for _ in range(TEETH - 1):
        teeth.append(times_power_of_two(teeth[-1], DISTANCE))
    entry = teeth[-1]
    for x, y in teeth[:-1]:
        entry = add(entry, (x, P - y))
    entries = [entry]
    for tooth in teeth[:-1]:
        twice = add(tooth, tooth)
        entries += [add(entry, twice) for entry in entries]
    return entries


def words(value: int) -> str:
    """A field element as C initialisers."""
    value = (value << 256) % P
    return ", ".join(f"0x{value >> shift & (1 << 64) - 1:016x}" for shift in (0, 64, 128, 192))


def main() -> None:
    """Prints the header."""
    print("/* sm2_table.h - made by gen_table.py, which describes it. Not to be edited. */")
    for column, needed in zip(BLOCK_COLUMNS, BLOCKS_NEEDED, strict=True):
        if needed > 1:
            print(f"#if YIMA_G_BLOCKS >= {needed}")
        print(f"/* columns from {column} */")
        for x, y in block(column):
            print(f"{{{{{words(x)}}},\n {{{words(y)}}}}},")
        if needed > 1:
            print("#endif")


if __name__ == "__main__":
    main()
