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
static void push(const Devices *d, size_t i, int layers, double layer[][LANES], double hot_l, double mains_degc)
{
    const int bottom = layers - 1;
    const double share = hot_l / d->layer_volume_l[i];
    if (layers == 2 && layer[0][0] > mains_degc && layer[1][0] > mains_degc) {
        const double lower_per_upper = size_of(layers, 1) / size_of(layers, 0);
        const double drawn_k = share / size_of(layers, 0) * (layer[0][0] - mains_degc); /* of the upper layer */
        const double lower_k = least(LOWER_OF_TWO * drawn_k, (layer[1][0] - mains_degc) * lower_per_upper);
        layer[0][0] -= drawn_k - lower_k;
        layer[1][0] -= lower_k / lower_per_upper;
        return;
    }
    for (int k = 0; k < bottom; k++) {
        layer[k][0] += share / size_of(layers, k) * (layer[k + 1][0] - layer[k][0]);
    }
    layer[bottom][0] += share / size_of(layers, bottom) * (mains_degc - layer[bottom][0]);
}

/* Tap water from one tank for one sub-step; adds the heat taken, relative to mains water, and what a mixed tap
 * lacked. */
static void draw(const Devices *d, size_t i, int layers, double layer[][LANES], double tapped_l, double tap_degc,
                 double *delivered_j, double *unmet_j)
{
    const double top_l = size_of(layers, 0) * d->layer_volume_l[i];
    const double mains_degc = d->temperature_mains_degc[i];
    while (tapped_l > 0.0) {
        const double top_degc = layer[0][0];
        double hot_share = 1.0; /* litres out of the tank per litre tapped */
        if (top_degc > tap_degc) {
            hot_share = mains_degc < tap_degc ? (tap_degc - mains_degc) / (top_degc - mains_degc) : 0.0;
        }
        double hot_l = tapped_l * hot_share;
        if (hot_l <= top_l) {
            tapped_l = 0.0;
        } else {
            hot_l = top_l;
            tapped_l -= hot_l / hot_share;
        }
        *delivered_j += hot_l * WATER_J_PER_L_K * (top_degc - mains_degc);
        *unmet_j += hot_l * WATER_J_PER_L_K * most(tap_degc - top_degc, 0.0);
        push(d, i, layers, layer, hot_l, mains_degc);
    }
}

/* Losses and conduction of some tanks for one sub-step; adds the heat lost to the room. Second order: flows at the
 * temperatures in the middle of the sub-step, which are the mean of those before it and of those after its draws and
 * heat, less half of what conduction and losses change meanwhile. */
UNROLLED void exchange(const Devices *d, size_t first, int lanes, int layers, Layers before, Layers layer, double sub_s,
                       double lost_j[LANES])
{
    const int bottom = layers - 1;
    Layers middle;
    double k_per_w[LANES];
    double end_w_per_k[LANES];
    double side_w_per_k[LANES];
    double bottom_w[LANES];
    double from_above_w[LANES];
    double loss_w[LANES];
    double spreads[LANES];
    double above_degc[LANES];
    for (int j = 0; j < lanes; j++) {
        const size_t i = first + (size_t)j;
        k_per_w[j] = sub_s / (d->layer_volume_l[i] * WATER_J_PER_L_K);
        spreads[j] = 0.5 * d->conduction_w_per_k[i] * k_per_w[j];
        middle[0][j] = 0.5 * (before[0][j] + layer[0][j]);
        above_degc[j] = middle[0][j];
    }
    for (int k = 0; k <= bottom; k++) {
        const double per_size = 1.0 / size_of(layers, k);
        for (int j = 0; j < lanes; j++) {
            const double here_degc = middle[k][j];
            double below_degc = here_degc;
            if (k < bottom) {
                below_degc = 0.5 * (before[k + 1][j] + layer[k + 1][j]);
                middle[k + 1][j] = below_degc;
            }
            middle[k][j] += spreads[j] * per_size * (above_degc[j] - 2.0 * here_degc + below_degc);
            above_degc[j] = here_degc;
        }
    }
    for (int j = 0; j < lanes; j++) {
        const size_t i = first + (size_t)j;
        const double mean_w_per_k = d->side_w_per_k[i] + d->end_w_per_k[i] * (2.0 / layers);
        const double fades = 1.0 - 0.5 * mean_w_per_k * k_per_w[j];
        end_w_per_k[j] = fades * d->end_w_per_k[i];
        side_w_per_k[j] = fades * d->side_w_per_k[i];
        from_above_w[j] = -end_w_per_k[j] * (middle[0][j] - d->temperature_ambient_degc[i]);
        bottom_w[j] = end_w_per_k[j] * (middle[bottom][j] - d->temperature_ambient_degc[i]);
        loss_w[j] = bottom_w[j] - from_above_w[j];
    }
    for (int k = 0; k <= bottom; k++) {
        const double size = size_of(layers, k);
        for (int j = 0; j < lanes; j++) {
            const size_t i = first + (size_t)j;
            const double side_w = size * side_w_per_k[j] * (middle[k][j] - d->temperature_ambient_degc[i]);
            const double to_below_w
                = k < bottom ? d->conduction_w_per_k[i] * (middle[k][j] - middle[k + 1][j]) : bottom_w[j];
            loss_w[j] += side_w;
            layer[k][j] += (from_above_w[j] - to_below_w - side_w) * (k_per_w[j] / size);
            from_above_w[j] = to_below_w;
        }
    }
    for (int j = 0; j < lanes; j++) {
        lost_j[j] += loss_w[j] * sub_s;
    }
}

/* Mix the layers of one tank from the top down, keeping the heat, until none is much hotter than the one above (OCHRE).
 * A layer takes the temperature that complete mixing would give it, and the one below makes up for that. */
static void mix_tank(int layers, double layer[][LANES])
{
    double mixed_degc[MAX_LAYERS];
    double sum[MAX_LAYERS];
    double size[MAX_LAYERS];
    int first[MAX_LAYERS];
    int blocks = 0;
    int inverted = 0; /* the lowest layer that is much hotter than the one above */
    for (int k = 0; k < layers; k++) {
        sum[blocks] = size_of(layers, k) * layer[k][0];
        size[blocks] = size_of(layers, k);
        first[blocks] = k;
        blocks++;
        while (blocks > 1 && sum[blocks - 1] * size[blocks - 2] > sum[blocks - 2] * size[blocks - 1]) {
            sum[blocks - 2] += sum[blocks - 1];
            size[blocks - 2] += size[blocks - 1];
            blocks--;
        }
        inverted = k > 0 && layer[k][0] > layer[k - 1][0] + INVERSION_K ? k : inverted;
    }
    for (int b = 0; b < blocks; b++) {
        const int end = b + 1 < blocks ? first[b + 1] : layers;
        for (int k = first[b]; k < end; k++) {
            mixed_degc[k] = sum[b] / size[b];
        }
    }
    for (int k = 0; k + 1 < layers; k++) {
        const double warms_k = mixed_degc[k] - layer[k][0];
        if (warms_k > ROUNDING_K) {
            layer[k][0] = mixed_degc[k];
            layer[k + 1][0] -= warms_k * size_of(layers, k) / size_of(layers, k + 1);
            const bool next = k + 2 < layers && layer[k + 2][0] > layer[k + 1][0] + INVERSION_K;
            if (!next && inverted < k + 3) {
                return;
            }
        }
    }
}

/* The same for some tanks: most do not mix in most sub-steps. */
UNROLLED void mix(int lanes, int layers, Layers layer)
{
    double inverted[LANES] = {0.0};
    for (int k = 1; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            inverted[j] = layer[k][j] > layer[k - 1][j] + INVERSION_K ? 1.0 : inverted[j];
        }
    }
    for (int j = 0; j < lanes; j++) {
        if (inverted[j] > 0.0) {
            mix_tank(layers, (double(*)[LANES])&layer[0][j]);
        }
    }
}

#endif
