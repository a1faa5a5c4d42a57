"""Textures the renderer draws into, and binding them."""

from dataclasses import dataclass

import moderngl

from simulation.scene import SUPERSAMPLE


@dataclass(frozen=True)
class Targets:
    """Render targets of one picture size, kept for the next picture of that size."""

    surface: moderngl.Texture
    normal: moderngl.Texture
    depth: moderngl.Texture
    samples: moderngl.Framebuffer  # the two above, who is seen, and depth; supersampled
    photo: moderngl.Texture
    photographed: moderngl.Framebuffer  # the same with the albedo of people with a photograph
    people_map: moderngl.Texture
    people: moderngl.Framebuffer
    linear_map: moderngl.Texture
    linear: moderngl.Framebuffer
    final: moderngl.Framebuffer
    truth: moderngl.Framebuffer

    @classmethod
    def of(cls, context: moderngl.Context, width: int, height: int) -> "Targets":
        """Make the targets of one size."""
        size, big = (width, height), (width * SUPERSAMPLE, height * SUPERSAMPLE)
        surface, normal = context.texture(big, 4, dtype="f4"), context.texture(big, 4, dtype="f2")
        owner, photo = context.texture(big, 1), context.texture(big, 4)
        depth = context.depth_texture(big)
        depth.compare_func = ""
        depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        people, linear = (context.texture(size, 4, dtype="f2") for _ in range(2))
        final, truth = (
            context.framebuffer([context.texture(size, 4)]),
            context.framebuffer([context.texture(big, 4)]),
        )
        return cls(
            surface,
            normal,
            depth,
            context.framebuffer([surface, normal, owner], depth),
            photo,
            context.framebuffer([surface, normal, owner, photo], depth),
            people,
            context.framebuffer([people]),
            linear,
            context.framebuffer([linear]),
            final,
            truth,
        )

    def release(self) -> None:
        """Free the GPU memory."""
        self.photographed.release()
        self.photo.release()
        for target in (self.samples, self.people, self.linear, self.final, self.truth):
            for attachment in target.color_attachments:
                attachment.release()
            target.release()
        self.depth.release()


@dataclass(frozen=True)
class ShadowMap:
    """A depth map that is drawn from a light, and read to know what it reaches."""

    texture: moderngl.Texture
    target: moderngl.Framebuffer

    @classmethod
    def of(cls, context: moderngl.Context, size: int) -> "ShadowMap":
        """Make a square map of `size` pixels."""
        texture = context.depth_texture((size, size))
        texture.compare_func = "<="
        texture.repeat_x = texture.repeat_y = False
        return cls(texture, context.framebuffer(depth_attachment=texture))


def use_textures(*textures: moderngl.Texture) -> None:
    """Bind textures to units 0, 1, ..."""
    for unit, texture in enumerate(textures):
        texture.use(unit)
