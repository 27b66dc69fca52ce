/* Envelope of a house: four heat capacities in a row and the air that goes in and out. Part of house.c, which states the
 * equations; apart only to be read apart.
 */
#ifndef ENVELOPE_H
#define ENVELOPE_H

/* Conditions at which the parameters of leaks and windows are given. */
static const double STACK_RATED_K = 20.0;
static const double WIND_RATED_M_S = 5.0;

/* No time constant may be shorter than half the longest sub-step, or the midpoint rule would overshoot. */
static const double FASTEST_RATE_PER_S = 2.0 / 60.0;

/* Heat that air carries through an opening, per kelvin. */
static inline double opening_w_per_k(double stack, double wind, double warmer_k, double wind_m_s)
{
    const double by_wind = wind * wind_m_s;
    const double stack2 = stack * stack * (1.0 / STACK_RATED_K);
    const double wind2 = by_wind * by_wind * (1.0 / (WIND_RATED_M_S * WIND_RATED_M_S));
    return sqrt(stack2 * fabs(warmer_k) + wind2);
}

/* Heat that leaves with air through leaks and windows, at the temperature at the start of a sub-step. */
static inline double openings_w(const Devices *d, size_t i, double comfort_degc)
{
    const double air_degc = d->temperature_indoor_degc[i];
    const double warmer_k = air_degc - d->temperature_outdoor_degc[i];
    const double wind_m_s = d->wind_speed_m_s[i];
    const bool dry = d->humidity_ratio_outdoor[i] < d->airing_humidity_max[i];
    const double airing_k = choose(dry, most(least(warmer_k, air_degc - comfort_degc), 0.0), 0.0);
    const double leaks
        = opening_w_per_k(d->infiltration_stack_w_per_k[i], d->infiltration_wind_w_per_k[i], warmer_k, wind_m_s);
    const double windows
        = opening_w_per_k(d->airing_stack_w_per_k[i], d->airing_wind_w_per_k[i], warmer_k, wind_m_s);
    return leaks * warmer_k + windows * airing_k;
}

/* The implicit midpoint rule for a sub-step, wall and slab eliminated into mass and air, mass into air. What is left is
 * air_sum x (air at the middle of the sub-step) = air_right + heat of the equipment. */
typedef struct {
    double air_sum, air_right;
    double mass_solve, mass_right;
    double wall_solve, wall_right;
    double slab_solve, slab_right;
    double sun_w;
} Midpoint;

static inline Midpoint midpoint(const Devices *d, size_t i, double length_s, double openings)
{
    const double per_half_s = 2.0 / length_s;
    const double outdoor_degc = d->temperature_outdoor_degc[i];
    const double air_mass = d->air_mass_w_per_k[i]; /* conductances [W/K] */
    const double air_outdoor = d->air_outdoor_w_per_k[i];
    const double mass_outdoor = d->mass_outdoor_w_per_k[i];
    const double wall_mass = d->wall_mass_w_per_k[i];
    const double wall_outdoor = d->wall_outdoor_w_per_k[i];
    const double slab_air = d->slab_air_w_per_k[i];
    const double slab_outdoor = d->slab_outdoor_w_per_k[i];
    const double slab_ground = d->slab_ground_w_per_k[i];
    const double air_store = d->capacity_air_j_per_k[i] * per_half_s; /* per half sub-step [W/K] */
    const double mass_store = d->capacity_mass_j_per_k[i] * per_half_s;
    const double wall_store = d->capacity_wall_j_per_k[i] * per_half_s;
    const double slab_store = d->capacity_slab_j_per_k[i] * per_half_s;

    const double irradiance = d->irradiance_global_w_m2[i];
    const double window_w = d->solar_window_w[i];
    const double air_sun_w = d->aperture_air_m2[i] * irradiance + d->solar_window_air[i] * window_w;
    const double mass_sun_w = d->aperture_mass_m2[i] * irradiance + d->solar_window_mass[i] * window_w;
    const double wall_sun_w = d->solar_wall[i] * d->solar_wall_w[i];

    Midpoint m;
    m.sun_w = air_sun_w + mass_sun_w + wall_sun_w;
    m.wall_solve = 1.0 / (wall_store + wall_mass + wall_outdoor);
    m.wall_right = wall_store * d->temperature_wall_degc[i] + wall_outdoor * outdoor_degc + wall_sun_w;
    m.slab_solve = 1.0 / (slab_store + slab_air + slab_outdoor + slab_ground);
    m.slab_right = slab_store * d->temperature_slab_degc[i] + slab_outdoor * outdoor_degc
                   + slab_ground * d->temperature_ground_degc[i];
    const double mass_sum = mass_store + air_mass + mass_outdoor + wall_mass;
    m.mass_solve = 1.0 / (mass_sum - wall_mass * wall_mass * m.wall_solve);
    m.mass_right = mass_store * d->temperature_mass_degc[i] + mass_outdoor * outdoor_degc + mass_sun_w
                   + wall_mass * m.wall_solve * m.wall_right;
    const double air_sum = air_store + air_mass + air_outdoor + slab_air;
    m.air_sum = air_sum - air_mass * air_mass * m.mass_solve - slab_air * slab_air * m.slab_solve;
    m.air_right = air_store * d->temperature_indoor_degc[i] + air_outdoor * outdoor_degc + air_sun_w
                  + d->heat_gain_internal_w[i] - openings + air_mass * m.mass_solve * m.mass_right
                  + slab_air * m.slab_solve * m.slab_right;
    return m;
}

/* Moves the four temperatures to the end of the sub-step; the heat lost to outdoors and ground in it [W]. */
static inline double move(const Devices *d, size_t i, Midpoint m, double heat_w, double openings)
{
    const double outdoor_degc = d->temperature_outdoor_degc[i];
    const double air_degc = (m.air_right + heat_w) / m.air_sum;
    const double slab_degc = (m.slab_right + d->slab_air_w_per_k[i] * air_degc) * m.slab_solve;
    const double mass_degc = (m.mass_right + d->air_mass_w_per_k[i] * air_degc) * m.mass_solve;
    const double wall_degc = (m.wall_right + d->wall_mass_w_per_k[i] * mass_degc) * m.wall_solve;
    d->temperature_indoor_degc[i] = 2.0 * air_degc - d->temperature_indoor_degc[i];
    d->temperature_mass_degc[i] = 2.0 * mass_degc - d->temperature_mass_degc[i];
    d->temperature_wall_degc[i] = 2.0 * wall_degc - d->temperature_wall_degc[i];
    d->temperature_slab_degc[i] = 2.0 * slab_degc - d->temperature_slab_degc[i];
    return d->air_outdoor_w_per_k[i] * (air_degc - outdoor_degc) + openings
           + d->mass_outdoor_w_per_k[i] * (mass_degc - outdoor_degc)
           + d->wall_outdoor_w_per_k[i] * (wall_degc - outdoor_degc)
           + d->slab_outdoor_w_per_k[i] * (slab_degc - outdoor_degc)
           + d->slab_ground_w_per_k[i] * (slab_degc - d->temperature_ground_degc[i]);
}

/* Whether every capacity is large enough for the conductances at it. */
static inline bool slow_enough(const Devices *d, size_t i)
{
    const double hardest_k = 200.0; /* between the ends of the allowed indoor and outdoor temperatures */
    const double storm_m_s = 60.0;
    const double stack = sqrt(hardest_k / STACK_RATED_K), wind = storm_m_s / WIND_RATED_M_S;
    const double openings = stack * (d->infiltration_stack_w_per_k[i] + d->airing_stack_w_per_k[i])
                            + wind * (d->infiltration_wind_w_per_k[i] + d->airing_wind_w_per_k[i]);
    const double air_mass = 1.0 / d->resistance_air_mass_k_per_w[i];
    const double wall_mass = d->wall_mass_w_per_k[i], slab_air = d->slab_air_w_per_k[i];
    const double air = air_mass + 1.0 / d->resistance_air_outdoor_k_per_w[i] + slab_air + openings;
    const double mass = air_mass + 1.0 / d->resistance_mass_outdoor_k_per_w[i] + wall_mass;
    const double wall = wall_mass + d->wall_outdoor_w_per_k[i];
    const double slab = slab_air + d->slab_outdoor_w_per_k[i] + d->slab_ground_w_per_k[i];
    const double rate = air / d->capacity_air_j_per_k[i] + mass / d->capacity_mass_j_per_k[i]
                        + wall / d->capacity_wall_j_per_k[i] + slab / d->capacity_slab_j_per_k[i];
    return rate <= FASTEST_RATE_PER_S; /* the sum of all rates is no less than the fastest */
}

#endif
