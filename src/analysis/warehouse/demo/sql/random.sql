-- Every random number is a function of the seed, an entity's id and a purpose, so that threads,
-- order and chunks change nothing. `mix` is a bijection of 52 bits (xor-shift and multiply, after
-- Stafford's variants of MurmurHash3's finaliser): products fit HUGEINT, ids fit a double exactly.
CREATE OR REPLACE TEMP MACRO times_(x, c) AS
    ((x::HUGEINT * c::HUGEINT) & 4503599627370495::HUGEINT)::UBIGINT;
CREATE OR REPLACE TEMP MACRO fold_(x, n) AS xor(x, x >> n);
CREATE OR REPLACE TEMP MACRO mix(x) AS
    fold_(times_(fold_(times_(fold_(x::UBIGINT, 27), 2862933555777941), 25), 3202034522624059), 27);

-- 52 random bits for a purpose: a small number, one for each use in these files.
CREATE OR REPLACE TEMP MACRO key_(purpose) AS
    times_($seed::UBIGINT * 4096 + purpose::UBIGINT, 4354685564936845);
CREATE OR REPLACE TEMP MACRO bits(id, purpose) AS mix(xor(id::UBIGINT, key_(purpose)));
-- Uniform on [0, 1).
CREATE OR REPLACE TEMP MACRO u(id, purpose) AS bits(id, purpose)::DOUBLE / 4503599627370496;
-- Standard normal by Box and Muller (1958), from the two halves of the bits.
CREATE OR REPLACE TEMP MACRO normal_(b) AS
    sqrt(-2 * ln(((b >> 26)::DOUBLE + 0.5) / 67108864))
    * cos(6.283185307179586 * ((b & 67108863)::DOUBLE / 67108864));
CREATE OR REPLACE TEMP MACRO z(id, purpose) AS normal_(bits(id, purpose));
-- Lognormal with the median given.
CREATE OR REPLACE TEMP MACRO spread(id, purpose, median, sigma) AS
    median * exp(sigma * z(id, purpose));
-- A whole number with the mean given: rounded up with the chance of its fraction.
CREATE OR REPLACE TEMP MACRO whole(mean, uniform) AS floor(mean + uniform)::BIGINT;

-- A unique pseudonym below 2^52 for a numbered thing of a kind in a group (both numbers small):
-- 4 bits of kind, 10 of group, 38 of number.
CREATE OR REPLACE TEMP MACRO pseudonym(kind, grp, number) AS
    mix(xor(kind::UBIGINT * 281474976710656 + grp::UBIGINT * 274877906944 + number::UBIGINT,
            key_(0)))::BIGINT;
