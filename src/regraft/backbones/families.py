# ruff: noqa: E501 - a table reads best with one row in one line
"""The catalogue: networks worth naming shortly, with what they cost and under which licence they come.

Widths, sizes and costs are what timm's and torchvision's own code measures (a test compares). Licences are
those of the weights: as timm states them, else as their authors' release does. A network is added by one row.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["general", "domain-specific", "task-specific", "from scratch"]

APACHE, MIT, BSD, NC = "Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-NC-4.0"
DINOV3 = "DINOv3 License"
LUNIT = "Lunit non-commercial"
NOT_STATED = "not stated"

IN1K = "ImageNet-1k"
IN12K_1K = "ImageNet-12k, then 1k"
IN21K_1K = "ImageNet-21k, then 1k"
IN1K_SELF = "ImageNet-1k, no labels"
JFT = "JFT-300M, then ImageNet-1k"
IG_1K = "Instagram hashtags, then ImageNet-1k"
LVD142M = "LVD-142M, no labels"
LVD1689M = "LVD-1689M, no labels"
WIT400M = "OpenAI's 400M image-text pairs"
LAION2B = "LAION-2B image-text pairs"
WEBLI = "WebLI image-text pairs"
PATHOLOGY = "33M histology patches, no labels"


@dataclass(frozen=True)
class Row:
    """One network.

    `source` is the long name that `name` stands for. `width` is that of the final embedding; `parameters_m`
    counts millions, `multiply_adds_g` thousands of millions for one image at `image_px`.
    """

    name: str
    family: str
    source: str
    width: int
    image_px: int
    parameters_m: float
    multiply_adds_g: float
    pretrained_on: str
    licence: str
    kind: Kind = "general"

    @property
    def architecture(self) -> str:
        """As timm calls it, or `torchvision:` and its name there."""
        if self.source.startswith("lite"):
            return f"tf_efficientnet_{self.source}"
        origin, _, named = self.source.partition(":")
        bare = named.partition("@")[0].rpartition("/")[2].partition(".")[0]
        return f"torchvision:{bare}" if origin == "torchvision" else bare


# fmt: off
FAMILIES = (
    Row("alexnet", "AlexNet", "torchvision:alexnet.IMAGENET1K_V1", 4096, 224, 61.1, 0.7101, IN1K, NOT_STATED),
    Row("vgg11", "VGG", "timm:vgg11.tv_in1k", 4096, 224, 132.9, 7.605, IN1K, BSD),
    Row("vgg11_bn", "VGG", "timm:vgg11_bn.tv_in1k", 4096, 224, 132.9, 7.605, IN1K, BSD),
    Row("vgg13", "VGG", "timm:vgg13.tv_in1k", 4096, 224, 133.0, 11.3, IN1K, BSD),
    Row("vgg13_bn", "VGG", "timm:vgg13_bn.tv_in1k", 4096, 224, 133.1, 11.3, IN1K, BSD),
    Row("vgg16", "VGG", "timm:vgg16.tv_in1k", 4096, 224, 138.4, 15.47, IN1K, BSD),
    Row("vgg16_bn", "VGG", "timm:vgg16_bn.tv_in1k", 4096, 224, 138.4, 15.47, IN1K, BSD),
    Row("vgg19", "VGG", "timm:vgg19.tv_in1k", 4096, 224, 143.7, 19.63, IN1K, BSD),
    Row("vgg19_bn", "VGG", "timm:vgg19_bn.tv_in1k", 4096, 224, 143.7, 19.63, IN1K, BSD),
    Row("resnet10t", "ResNet", "timm:resnet10t.c3_in1k", 512, 176, 5.435, 0.6982, IN1K, APACHE),
    Row("resnet18", "ResNet", "timm:resnet18.a1_in1k", 512, 224, 11.69, 1.814, IN1K, APACHE),
    Row("resnet26d", "ResNet", "timm:resnet26d.bt_in1k", 2048, 224, 16.01, 2.58, IN1K, APACHE),
    Row("resnet34", "ResNet", "timm:resnet34.a1_in1k", 512, 224, 21.8, 3.663, IN1K, APACHE),
    Row("resnet50", "ResNet", "timm:resnet50.a1_in1k", 2048, 224, 25.56, 4.087, IN1K, APACHE),
    Row("resnet50_tv", "ResNet", "timm:resnet50.tv_in1k", 2048, 224, 25.56, 4.087, IN1K, BSD),
    Row("resnet101", "ResNet", "timm:resnet101.a1_in1k", 2048, 224, 44.55, 7.799, IN1K, APACHE),
    Row("resnet152", "ResNet", "timm:resnet152.a1_in1k", 2048, 224, 60.19, 11.51, IN1K, APACHE),
    Row("resnext50", "ResNet", "timm:resnext50_32x4d.a1_in1k", 2048, 224, 25.03, 4.228, IN1K, APACHE),
    Row("wide_resnet50", "ResNet", "timm:wide_resnet50_2.racm_in1k", 2048, 224, 68.88, 11.4, IN1K, APACHE),
    Row("googlenet", "Inception", "torchvision:googlenet.IMAGENET1K_V1", 1024, 224, 6.625, 1.497, IN1K, NOT_STATED),
    Row("inception_v3", "Inception", "timm:inception_v3.tv_in1k", 2048, 299, 23.83, 5.711, IN1K, APACHE),
    Row("densenet121", "DenseNet", "timm:densenet121.ra_in1k", 1024, 224, 7.979, 2.833, IN1K, APACHE),
    Row("densenet161", "DenseNet", "timm:densenet161.tv_in1k", 2208, 224, 28.68, 7.726, IN1K, APACHE),
    Row("densenet169", "DenseNet", "timm:densenet169.tv_in1k", 1664, 224, 14.15, 3.358, IN1K, APACHE),
    Row("densenet201", "DenseNet", "timm:densenet201.tv_in1k", 1920, 224, 20.01, 4.289, IN1K, APACHE),
    Row("efficientnet_b0", "EfficientNet", "timm:efficientnet_b0.ra_in1k", 1280, 224, 5.289, 0.3845, IN1K, APACHE),
    Row("efficientnet_b1", "EfficientNet", "timm:efficientnet_b1.ft_in1k", 1280, 224, 7.794, 0.5684, IN1K, APACHE),
    Row("efficientnet_b2", "EfficientNet", "timm:efficientnet_b2.ra_in1k", 1408, 256, 9.11, 0.8584, IN1K, APACHE),
    Row("efficientnet_b3", "EfficientNet", "timm:efficientnet_b3.ra2_in1k", 1536, 288, 12.23, 1.588, IN1K, APACHE),
    Row("efficientnet_b4", "EfficientNet", "timm:efficientnet_b4.ra2_in1k", 1792, 320, 19.34, 3.062, IN1K, APACHE),
    Row("efficientnet_b5", "EfficientNet", "timm:tf_efficientnet_b5.ns_jft_in1k", 2048, 456, 30.39, 10.26, JFT, APACHE),
    Row("efficientnet_b7", "EfficientNet", "timm:tf_efficientnet_b7.ns_jft_in1k", 2560, 600, 66.35, 37.74, JFT, APACHE),
    Row("lite0", "EfficientNet-Lite", "lite0", 1280, 224, 4.652, 0.3839, IN1K, APACHE),
    Row("lite1", "EfficientNet-Lite", "lite1", 1280, 240, 5.417, 0.5989, IN1K, APACHE),
    Row("lite2", "EfficientNet-Lite", "lite2", 1280, 260, 6.092, 0.8585, IN1K, APACHE),
    Row("lite3", "EfficientNet-Lite", "timm:tf_efficientnet_lite3.in1k", 1280, 300, 8.197, 1.606, IN1K, APACHE),
    Row("lite4", "EfficientNet-Lite", "timm:tf_efficientnet_lite4.in1k", 1280, 380, 13.01, 3.942, IN1K, APACHE),
    Row("efficientnetv2_b0", "EfficientNetV2", "timm:tf_efficientnetv2_b0.in1k", 1280, 192, 7.14, 0.5269, IN1K, APACHE),
    Row("efficientnetv2_t", "EfficientNetV2", "timm:efficientnetv2_rw_t.ra2_in1k", 1024, 224, 13.65, 1.912, IN1K, APACHE),
    Row("efficientnetv2_s", "EfficientNetV2", "timm:tf_efficientnetv2_s.in21k_ft_in1k", 1280, 300, 21.46, 5.306, IN21K_1K, APACHE),
    Row("efficientnetv2_m", "EfficientNetV2", "timm:tf_efficientnetv2_m.in21k_ft_in1k", 1280, 384, 54.14, 15.74, IN21K_1K, APACHE),
    Row("efficientnetv2_l", "EfficientNetV2", "timm:tf_efficientnetv2_l.in21k_ft_in1k", 1280, 384, 118.5, 35.9, IN21K_1K, APACHE),
    Row("mobilenetv2_050", "MobileNetV2", "timm:mobilenetv2_050.lamb_in1k", 1280, 224, 1.969, 0.09585, IN1K, APACHE),
    Row("mobilenetv2_100", "MobileNetV2", "timm:mobilenetv2_100.ra_in1k", 1280, 224, 3.505, 0.2995, IN1K, APACHE),
    Row("mobilenetv2_140", "MobileNetV2", "timm:mobilenetv2_140.ra_in1k", 1792, 224, 6.109, 0.5804, IN1K, APACHE),
    Row("mobilenetv3_s050", "MobileNetV3", "timm:mobilenetv3_small_050.lamb_in1k", 1024, 224, 1.593, 0.02316, IN1K, APACHE),
    Row("mobilenetv3_s", "MobileNetV3", "timm:mobilenetv3_small_100.lamb_in1k", 1024, 224, 2.543, 0.05549, IN1K, APACHE),
    Row("mobilenetv3_l", "MobileNetV3", "timm:mobilenetv3_large_100.ra_in1k", 1280, 224, 5.483, 0.2153, IN1K, APACHE),
    Row("mobilenetv4_s", "MobileNetV4", "timm:mobilenetv4_conv_small.e2400_r224_in1k", 1280, 224, 3.774, 0.1847, IN1K, APACHE),
    Row("mobilenetv4_m", "MobileNetV4", "timm:mobilenetv4_conv_medium.e500_r256_in1k", 1280, 256, 9.716, 1.079, IN1K, APACHE),
    Row("mobilenetv4_hybrid_m", "MobileNetV4", "timm:mobilenetv4_hybrid_medium.ix_e550_r256_in1k", 1280, 256, 11.07, 1.27, IN1K, APACHE),
    Row("mobilenetv4_l", "MobileNetV4", "timm:mobilenetv4_conv_large.e600_r384_in1k", 1280, 384, 32.59, 6.375, IN1K, APACHE),
    Row("convnext_atto", "ConvNeXt", "timm:convnext_atto.d2_in1k", 320, 224, 3.696, 0.547, IN1K, APACHE),
    Row("convnext_femto", "ConvNeXt", "timm:convnext_femto.d1_in1k", 384, 224, 5.218, 0.7792, IN1K, APACHE),
    Row("convnext_pico", "ConvNeXt", "timm:convnext_pico.d1_in1k", 512, 224, 9.046, 1.367, IN1K, APACHE),
    Row("convnext_nano", "ConvNeXt", "timm:convnext_nano.in12k_ft_in1k", 640, 224, 15.59, 2.445, IN12K_1K, APACHE),
    Row("convnext_t", "ConvNeXt", "timm:convnext_tiny.in12k_ft_in1k", 768, 224, 28.59, 4.455, IN12K_1K, APACHE),
    Row("convnext_s", "ConvNeXt", "timm:convnext_small.in12k_ft_in1k", 768, 224, 50.22, 8.683, IN12K_1K, APACHE),
    Row("convnext_b", "ConvNeXt", "timm:convnext_base.fb_in22k_ft_in1k", 1024, 224, 88.59, 15.35, IN21K_1K, APACHE),
    Row("convnextv2_t", "ConvNeXt", "timm:convnextv2_tiny.fcmae_ft_in22k_in1k", 768, 224, 28.64, 4.455, IN21K_1K, NC),
    Row("regnetx_002", "RegNet", "timm:regnetx_002.pycls_in1k", 368, 224, 2.685, 0.1987, IN1K, MIT),
    Row("regnetx_016", "RegNet", "timm:regnetx_016.pycls_in1k", 912, 224, 9.19, 1.602, IN1K, MIT),
    Row("regnety_002", "RegNet", "timm:regnety_002.pycls_in1k", 368, 224, 3.163, 0.1991, IN1K, MIT),
    Row("regnety_008", "RegNet", "timm:regnety_008.pycls_in1k", 768, 224, 6.263, 0.7964, IN1K, MIT),
    Row("regnety_016", "RegNet", "timm:regnety_016.tv2_in1k", 888, 224, 11.2, 1.611, IN1K, BSD),
    Row("regnety_032", "RegNet", "timm:regnety_032.ra_in1k", 1512, 224, 19.44, 3.175, IN1K, APACHE),
    Row("regnety_040", "RegNet", "timm:regnety_040.ra3_in1k", 1088, 224, 20.65, 3.972, IN1K, APACHE),
    Row("regnety_160_swag", "RegNet", "timm:regnety_160.swag_ft_in1k", 3024, 384, 83.59, 46.73, IG_1K, NC),
    Row("vit_t16", "ViT", "timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k", 192, 224, 5.717, 1.253, IN21K_1K, APACHE),
    Row("vit_s32", "ViT", "timm:vit_small_patch32_224.augreg_in21k_ft_in1k", 384, 224, 22.88, 1.143, IN21K_1K, APACHE),
    Row("vit_s16", "ViT", "timm:vit_small_patch16_224.augreg_in21k_ft_in1k", 384, 224, 22.05, 4.598, IN21K_1K, APACHE),
    Row("vit_b32", "ViT", "timm:vit_base_patch32_224.augreg_in21k_ft_in1k", 768, 224, 88.22, 4.408, IN21K_1K, APACHE),
    Row("vit_b16", "ViT", "timm:vit_base_patch16_224.augreg2_in21k_ft_in1k", 768, 224, 86.57, 17.56, IN21K_1K, APACHE),
    Row("vit_l16", "ViT", "timm:vit_large_patch16_224.augreg_in21k_ft_in1k", 1024, 224, 304.3, 61.55, IN21K_1K, APACHE),
    Row("dino_s16", "ViT", "timm:vit_small_patch16_224.dino", 384, 224, 21.67, 4.598, IN1K_SELF, APACHE),
    Row("mae_b16", "ViT", "timm:vit_base_patch16_224.mae", 768, 224, 85.8, 17.56, IN1K_SELF, NC),
    Row("deit_t16", "DeiT", "timm:deit_tiny_patch16_224.fb_in1k", 192, 224, 5.717, 1.253, IN1K, APACHE),
    Row("deit_s16", "DeiT", "timm:deit_small_patch16_224.fb_in1k", 384, 224, 22.05, 4.598, IN1K, APACHE),
    Row("deit_b16", "DeiT", "timm:deit_base_patch16_224.fb_in1k", 768, 224, 86.57, 17.56, IN1K, APACHE),
    Row("deit3_s16", "DeiT", "timm:deit3_small_patch16_224.fb_in22k_ft_in1k", 384, 224, 22.06, 4.598, IN21K_1K, APACHE),
    Row("deit3_b16", "DeiT", "timm:deit3_base_patch16_224.fb_in22k_ft_in1k", 768, 224, 86.59, 17.56, IN21K_1K, APACHE),
    Row("swin_t", "Swin", "timm:swin_tiny_patch4_window7_224.ms_in1k", 768, 224, 28.29, 4.49, IN1K, MIT),
    Row("swinv2_t", "Swin", "timm:swinv2_tiny_window8_256.ms_in1k", 768, 256, 28.35, 5.939, IN1K, MIT),
    Row("swin_s", "Swin", "timm:swin_small_patch4_window7_224.ms_in22k_ft_in1k", 768, 224, 49.61, 8.74, IN21K_1K, MIT),
    Row("swin_b", "Swin", "timm:swin_base_patch4_window7_224.ms_in22k_ft_in1k", 1024, 224, 87.77, 15.43, IN21K_1K, MIT),
    Row("dinov2_s14", "DINOv2", "timm:vit_small_patch14_dinov2.lvd142m", 384, 518, 22.06, 46.7, LVD142M, APACHE),
    Row("dinov2_s14_reg4", "DINOv2", "timm:vit_small_patch14_reg4_dinov2.lvd142m", 384, 518, 22.06, 46.88, LVD142M, APACHE),
    Row("dinov2_b14", "DINOv2", "timm:vit_base_patch14_dinov2.lvd142m", 768, 518, 86.58, 151.6, LVD142M, APACHE),
    Row("dinov2_l14", "DINOv2", "timm:vit_large_patch14_dinov2.lvd142m", 1024, 518, 304.4, 506.8, LVD142M, APACHE),
    Row("dinov3_s16", "DINOv3", "timm:vit_small_patch16_dinov3.lvd1689m", 384, 256, 21.59, 6.245, LVD1689M, DINOV3),
    Row("dinov3_b16", "DINOv3", "timm:vit_base_patch16_dinov3.lvd1689m", 768, 256, 85.64, 23.57, LVD1689M, DINOV3),
    Row("dinov3_l16", "DINOv3", "timm:vit_large_patch16_dinov3.lvd1689m", 1024, 256, 303.1, 82.37, LVD1689M, DINOV3),
    Row("dinov3_convnext_t", "DINOv3", "timm:convnext_tiny.dinov3_lvd1689m", 768, 224, 27.82, 4.455, LVD1689M, DINOV3),
    Row("dinov3_convnext_s", "DINOv3", "timm:convnext_small.dinov3_lvd1689m", 768, 224, 49.45, 8.683, LVD1689M, DINOV3),
    Row("clip_b32", "CLIP", "timm:vit_base_patch32_clip_224.openai", 768, 224, 87.85, 4.408, WIT400M, APACHE),
    Row("clip_b16", "CLIP", "timm:vit_base_patch16_clip_224.openai", 768, 224, 86.19, 17.56, WIT400M, APACHE),
    Row("clip_l14", "CLIP", "timm:vit_large_patch14_clip_224.openai", 1024, 224, 304.0, 81.01, WIT400M, APACHE),
    Row("clip_resnet50", "CLIP", "timm:resnet50_clip.openai", 2048, 224, 38.32, 6.007, WIT400M, MIT),
    Row("openclip_b32", "CLIP", "timm:vit_base_patch32_clip_224.laion2b", 768, 224, 87.85, 4.408, LAION2B, APACHE),
    Row("openclip_b16", "CLIP", "timm:vit_base_patch16_clip_224.laion2b", 768, 224, 86.19, 17.56, LAION2B, APACHE),
    Row("openclip_convnext_b", "CLIP", "timm:convnext_base.clip_laion2b", 1024, 256, 88.22, 20.05, LAION2B, APACHE),
    Row("siglip_b16", "SigLIP", "timm:vit_base_patch16_siglip_224.webli", 768, 224, 92.88, 17.71, WEBLI, APACHE),
    Row("siglip_l16", "SigLIP", "timm:vit_large_patch16_siglip_256.webli", 1024, 256, 316.0, 81.28, WEBLI, APACHE),
    Row("siglip2_b32", "SigLIP", "timm:vit_base_patch32_siglip_256.v2_webli", 768, 256, 94.55, 5.744, WEBLI, APACHE),
    Row("siglip2_b16", "SigLIP", "timm:vit_base_patch16_siglip_224.v2_webli", 768, 224, 92.88, 17.71, WEBLI, APACHE),
    Row("lunit_s16", "DINO pathology", "hub:1aurent/vit_small_patch16_224.lunit_dino", 384, 224, 21.67, 4.598, PATHOLOGY, LUNIT, "domain-specific"),
    Row("lenet5", "LeNet", "scratch:lenet5", 84, 32, 0.06201, 0.0006509, "nothing (random weights)", APACHE, "from scratch"),
)
# fmt: on

SHORT_NAMES = {row.name: row for row in FAMILIES}
