/* Water in a stratified tank: draws, losses, mixing by inversion. Part of water_heater.c, which includes it where its
 * constants are known; apart only to be read apart.
 */
#ifndef TANK_H
#define TANK_H

/* Empirical: the lower of two layers makes up for this share of the heat drawn (OCHRE, from laboratory tests), as cold
 * water stays at the bottom. */
static const double LOWER_OF_TWO = 0.95;

/* Water mixes where a layer is this much hotter than the one above (OCHRE). */
static const double INVERSION_K = 0.1;
static const double ROUNDING_K = 0.001; /* differences below are left alone */

/* Push some water out of the top layer; hot_l is no more than that layer holds. */
INLINED void push(const Devices *d, size_t i, int layers, Tanks *t, size_t j, double hot_l)
{
    const int bottom = layers - 1;
    const double mains_degc = d->temperature_mains_degc[i];
    const double share = hot_l / d->layer_volume_l[i];
    if (layers == 2 && t->layer_degc[0][j] > mains_degc && t->layer_degc[1][j] > mains_degc) {
        const double lower_per_upper = size_of(layers, 1) / size_of(layers, 0);
        const double drawn_k = share / size_of(layers, 0) * (t->layer_degc[0][j] - mains_degc); /* of the upper layer */
        const double lower_k = least(LOWER_OF_TWO * drawn_k, (t->layer_degc[1][j] - mains_degc) * lower_per_upper);
        t->layer_degc[0][j] -= drawn_k - lower_k;
        t->layer_degc[1][j] -= lower_k / lower_per_upper;
        return;
    }
    ACROSS_LAYERS
    for (int k = 0; k <= bottom; k++) {
        const double from_degc = k < bottom ? t->layer_degc[k + 1][j] : mains_degc;
        t->layer_degc[k][j] += share / size_of(layers, k) * (from_degc - t->layer_degc[k][j]);
    }
}

typedef struct {
    double delivered_j; /* relative to mains water */
    double unmet_j;     /* what a mixed tap lacked */
} Drawn;

/* Tap from one tank what is left to tap, or as much of it as empties the top layer. */
INLINED Drawn draw(const Devices *d, size_t i, int layers, Tanks *t, size_t j, double tap_degc)
{
    const double left_l = t->left_l[j];
    const double mains_degc = d->temperature_mains_degc[i];
    const double top_degc = t->layer_degc[0][j];
    const double top_l = size_of(layers, 0) * d->layer_volume_l[i];
    const double mixed_share = (tap_degc - mains_degc) / (top_degc - mains_degc);
    const double hotter_share = choose(mains_degc < tap_degc, mixed_share, 0.0);
    const double hot_share = choose(top_degc > tap_degc, hotter_share, 1.0); /* litres from the tank per litre tapped */
    const double wanted_l = left_l * hot_share;
    const double hot_l = least(wanted_l, top_l);
    t->left_l[j] = choose(wanted_l <= top_l, 0.0, left_l - hot_l / hot_share);
    push(d, i, layers, t, j, hot_l);
    return (Drawn){hot_l * WATER_J_PER_L_K * (top_degc - mains_degc),
                   hot_l * WATER_J_PER_L_K * most(tap_degc - top_degc, 0.0)};
}

/* Losses and conduction of one tank for one sub-step; returns the heat lost to the room. Second order: flows at the
 * temperatures in the middle of the sub-step, which are the mean of those before it and of those after its draws and
 * heat, less half of what conduction and losses change meanwhile. */
INLINED double exchange(const Devices *d, size_t n, size_t i, int layers, Tanks *t, size_t j, double sub_s)
{
    const int bottom = layers - 1;
    const double room_degc = d->temperature_ambient_degc[i];
    const double conduction_w_per_k = d->conduction_w_per_k[i];
    const double k_per_w = sub_s / (d->layer_volume_l[i] * WATER_J_PER_L_K);
    const double spreads = 0.5 * conduction_w_per_k * k_per_w;
    const double mean_w_per_k = d->side_w_per_k[i] + d->end_w_per_k[i] * (2.0 / layers);
    const double fades = 1.0 - 0.5 * mean_w_per_k * k_per_w;
    const double end_w_per_k = fades * d->end_w_per_k[i];
    const double side_w_per_k = fades * d->side_w_per_k[i];
    double middle_degc[MAX_LAYERS];
    double here_degc = 0.5 * (layer_degc(d, n, i, 0) + t->layer_degc[0][j]);
    double above_degc = here_degc;
    ACROSS_LAYERS
    for (int k = 0; k <= bottom; k++) {
        const double below_degc
            = k < bottom ? 0.5 * (layer_degc(d, n, i, k + 1) + t->layer_degc[k + 1][j]) : here_degc;
        middle_degc[k] = here_degc + spreads / size_of(layers, k) * (above_degc - 2.0 * here_degc + below_degc);
        above_degc = here_degc;
        here_degc = below_degc;
    }
    const double top_w = end_w_per_k * (middle_degc[0] - room_degc);
    const double bottom_w = end_w_per_k * (middle_degc[bottom] - room_degc);
    double loss_w = top_w + bottom_w;
    double from_above_w = -top_w;
    ACROSS_LAYERS
    for (int k = 0; k <= bottom; k++) {
        const double side_w = size_of(layers, k) * side_w_per_k * (middle_degc[k] - room_degc);
        const double to_below_w
            = k < bottom ? conduction_w_per_k * (middle_degc[k] - middle_degc[k + 1]) : bottom_w;
        loss_w += side_w;
        d->layer_degc[(size_t)k * n + i]
            = t->layer_degc[k][j] + (from_above_w - to_below_w - side_w) * (k_per_w / size_of(layers, k));
        from_above_w = to_below_w;
    }
    return loss_w * sub_s;
}

static inline bool is_inverted(const Devices *d, size_t n, size_t i, int layers)
{
    bool inverted = false;
    ACROSS_LAYERS
    for (int k = 1; k < layers; k++) {
        inverted |= layer_degc(d, n, i, k) > layer_degc(d, n, i, k - 1) + INVERSION_K;
    }
    return inverted;
}

/* Mix the layers of one tank from the top down, keeping the heat, until none is much hotter than the one above (OCHRE).
 * A layer takes the temperature that complete mixing would give it, and the one below makes up for that. */
static void mix(int layers, double layer[])
{
    double mixed_degc[MAX_LAYERS];
    double sum[MAX_LAYERS];
    double size[MAX_LAYERS];
    int first[MAX_LAYERS];
    int blocks = 0;
    int inverted = 0; /* the lowest layer that is much hotter than the one above */
    for (int k = 0; k < layers; k++) {
        sum[blocks] = size_of(layers, k) * layer[k];
        size[blocks] = size_of(layers, k);
        first[blocks] = k;
        blocks++;
        while (blocks > 1 && sum[blocks - 1] * size[blocks - 2] > sum[blocks - 2] * size[blocks - 1]) {
            sum[blocks - 2] += sum[blocks - 1];
            size[blocks - 2] += size[blocks - 1];
            blocks--;
        }
        inverted = k > 0 && layer[k] > layer[k - 1] + INVERSION_K ? k : inverted;
    }
    for (int b = 0; b < blocks; b++) {
        const int end = b + 1 < blocks ? first[b + 1] : layers;
        for (int k = first[b]; k < end; k++) {
            mixed_degc[k] = sum[b] / size[b];
        }
    }
    for (int k = 0; k + 1 < layers; k++) {
        const double warms_k = mixed_degc[k] - layer[k];
        if (warms_k > ROUNDING_K) {
            layer[k] = mixed_degc[k];
            layer[k + 1] -= warms_k * size_of(layers, k) / size_of(layers, k + 1);
            const bool next = k + 2 < layers && layer[k + 2] > layer[k + 1] + INVERSION_K;
            if (!next && inverted < k + 3) {
                return;
            }
        }
    }
}

#endif
